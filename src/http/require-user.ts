import type { AxiosInstance } from "axios";
import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import { MatrixError } from "./matrix-error.js";
import { TokenOwnerError } from "./token-owner-error.js";

const WHOAMI = "/account/whoami";
/** How long to wait for the response, in ms. */
const DEADLINE = 30_000;

/**
 * Asks once, before an instance sends its first request, whose its access token is. If it is that of another user, all
 * requests but a log-out fail with {@link TokenOwnerError}.
 *
 * Without a response, the requests that wait for it fail, and the next one asks again. If the server refuses to say, the
 * request is sent all the same: it shows that a session has ended.
 *
 * @param http from `matrixHttp`
 * @see Matrix spec, client-server API, `GET /_matrix/client/v3/account/whoami`
 */
export function requireUser(http: AxiosInstance, userId: UserId): void {
  let checked: Promise<void> | undefined;
  const check = async (): Promise<void> => {
    try {
      const { data } = await http.get<unknown>(WHOAMI, { timeout: DEADLINE });
      const owner = isObject(data) ? data.user_id : undefined;
      if (typeof owner === "string" && owner !== userId) throw new TokenOwnerError(owner, userId);
    } catch (error) {
      if (error instanceof TokenOwnerError) throw error;
      checked = undefined;
      if (!isRefusal(error)) throw error;
    }
  };
  http.interceptors.request.use(async (config) => {
    const { url = "" } = config;
    if (url !== WHOAMI && !url.startsWith("/logout")) await (checked ??= check());
    return config;
  });
}

const isRefusal = (error: unknown): boolean =>
  error instanceof MatrixError && error.status >= 400 && error.status < 500 && error.status !== 429;
