export { InvalidResponseError } from "../model/errors.js";
export { axiosKeysApi } from "./axios-keys-api.js";
export { MatrixError } from "./matrix-error.js";
export { matrixHttp } from "./matrix-http.js";
export { syncResponses, type SyncFailed } from "./sync-responses.js";
