import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from "axios";
import { AccessToken } from "./access-token.js";
import { apiUrl } from "./api-url.js";
import { httpError } from "./http-error.js";
import { MatrixError } from "./matrix-error.js";

/** The homeserver and the account. */
export interface MatrixHttpOptions {
  /** Such as `https://matrix.example.org`. May have a path in front of `/_matrix`, and end with a slash. */
  homeserverUrl: string;
  /** The access token, or a function that returns the current one. */
  accessToken: string | (() => string | Promise<string>);
}

/** A request that is sent again carries the renewed token. */
interface TokenConfig extends InternalAxiosRequestConfig {
  renewedToken?: string;
}

/**
 * Creates an axios instance for one account's client-server API: URLs are relative to `/_matrix/client/v3`, and
 * requests carry the access token.
 *
 * If `accessToken` is a function:
 *
 * 1. It is called for each request.
 * 2. If the server refuses the token (401 `M_UNKNOWN_TOKEN`), it is called again, once for all requests that failed
 *    with this token.
 * 3. If it returns another token, the request is sent again, once. If it returns the same one, or the new one is
 *    refused, too, the refusal is final. The function can tell a valid token from an expired one by `expires_in_ms`.
 *
 * An error thrown by the function becomes the error of the request. `syncResponses` retries, so a renewal that needs
 * the network can simply fail.
 *
 * Requests fail with `MatrixError` (refused), `ConnectionError` (no response), axios's `CanceledError`, or what
 * `accessToken` threw; never with an axios error, which would carry the access token into logs. Absolute URLs are not
 * allowed, so that the token is not sent to another server.
 *
 * @throws TypeError at once if `homeserverUrl` or `accessToken` is malformed
 * @example
 * const http = matrixHttp({ homeserverUrl: "https://matrix.example.org", accessToken: () => session.freshToken() });
 * const { data } = await http.get("/account/whoami"); // { user_id: "@alice:example.org", … }
 * @see Matrix spec, client-server API, "Client Authentication", "Soft logout", "Refreshing access tokens"
 */
export function matrixHttp({ homeserverUrl, accessToken }: MatrixHttpOptions): AxiosInstance {
  const http = axios.create({ baseURL: apiUrl(homeserverUrl), allowAbsoluteUrls: false });
  const token = new AccessToken(accessToken);

  http.interceptors.request.use(async (config: TokenConfig) => {
    config.headers.set("Authorization", `Bearer ${config.renewedToken ?? (await token.read())}`);
    return config;
  });
  http.interceptors.response.use(undefined, async (failure: unknown) => {
    const error = httpError(failure, Date.now());
    const config = axios.isAxiosError(failure) ? (failure.config as TokenConfig | undefined) : undefined;
    if (!token.isRenewable || config === undefined || config.renewedToken !== undefined) throw error;
    if (!isUnknownToken(error)) throw error;
    const refused = String(config.headers.get("Authorization")).slice("Bearer ".length);
    const renewedToken = await token.renew(refused).catch((reason: unknown) => {
      throw httpError(reason, Date.now());
    });
    if (renewedToken === refused) throw error;
    const again: TokenConfig = { ...config, renewedToken };
    return http.request(again);
  });
  return http;
}

function isUnknownToken(error: Error): boolean {
  return error instanceof MatrixError && error.status === 401 && error.errcode === "M_UNKNOWN_TOKEN";
}
