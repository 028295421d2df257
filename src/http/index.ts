export { InvalidResponseError } from "../model/errors.js";
export { axiosKeysApi } from "./axios-keys-api.js";
export { axiosMembersApi } from "./axios-members-api.js";
export { ConnectionError } from "./connection-error.js";
export { MatrixError, type Refusal } from "./matrix-error.js";
export { matrixHttp, type MatrixHttpOptions } from "./matrix-http.js";
export type { SyncFailed } from "./sync-failed.js";
export type { SyncOptions } from "./sync-options.js";
export { syncResponses } from "./sync-responses.js";
