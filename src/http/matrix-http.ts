import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from "axios";
import { AccessToken, type ReadToken } from "./access-token.js";
import { apiUrl } from "./api-url.js";
import { httpError } from "./http-error.js";
import { MatrixError } from "./matrix-error.js";

/** How long a request may take by default, in ms. Joining a large room takes real servers minutes. */
const DEFAULT_DEADLINE = 180_000;
/** How often a request is sent again with a renewed token. The limit makes it end whatever the server does. */
const MAX_RENEWALS = 2;

/** The homeserver and the account. */
export interface MatrixHttpOptions {
  /** Such as `https://matrix.example.org`. May have a path in front of `/_matrix`, and end with a slash. */
  homeserverUrl: string;
  /**
   * The access token, or a function that returns the current one. If the server has refused a token
   * (`M_UNKNOWN_TOKEN`), the function is called with it, to return another one:
   *
   * ```ts
   * (refused) => (refused === session.accessToken ? session.refresh() : session.accessToken)
   * ```
   */
  accessToken: string | ((refused?: string) => string | Promise<string>);
}

/** What is remembered of a request that is sent again. */
interface TokenConfig extends InternalAxiosRequestConfig {
  sentToken?: ReadToken;
  tokenRenewals?: number;
}

/**
 * Creates an axios instance for one account's client-server API: URLs are relative to `/_matrix/client/v3`, and
 * requests carry the access token.
 *
 * If `accessToken` is a function:
 *
 * 1. It is called for each request.
 * 2. If the server refuses the token (401 `M_UNKNOWN_TOKEN`), it is called with that token, once for all requests that
 *    were refused with it.
 * 3. If it returns the same token, the refusal is final: the device is logged out.
 * 4. If it returns another token, the request is sent again, at most twice. If that is refused as well and there is
 *    still another token, the error has `tokenReplaced`: the session goes on.
 *
 * An error thrown by the function becomes the error of the request. `syncResponses` and `axiosKeysApi` retry, so a
 * renewal that needs the network can simply fail.
 *
 * Requests fail with `MatrixError` (refused), `ConnectionError` (no response), axios's `CanceledError`, or what
 * `accessToken` threw; never with an axios error, which would leak the access token into logs. The server has three
 * minutes to respond, unless the request sets another `timeout`. Absolute URLs are not allowed, so that the token is
 * not sent to another server.
 *
 * @throws TypeError at once if `homeserverUrl` or `accessToken` is malformed
 * @example
 * const http = matrixHttp({ homeserverUrl: "https://matrix.example.org", accessToken: () => session.freshToken() });
 * const { data } = await http.get("/account/whoami"); // { user_id: "@alice:example.org", … }
 * @see Matrix spec, client-server API, "Client Authentication", "Soft logout", "Refreshing access tokens"
 */
export function matrixHttp({ homeserverUrl, accessToken }: MatrixHttpOptions): AxiosInstance {
  const http = axios.create({
    baseURL: apiUrl(homeserverUrl),
    allowAbsoluteUrls: false,
    timeout: DEFAULT_DEADLINE,
  });
  const token = new AccessToken(accessToken);

  http.interceptors.request.use(async (config: TokenConfig) => {
    config.sentToken ??= await token.read();
    config.headers.set("Authorization", `Bearer ${config.sentToken.value}`);
    return config;
  });
  http.interceptors.response.use(undefined, async (failure: unknown) => {
    const error = httpError(failure, Date.now());
    const config = axios.isAxiosError(failure) ? (failure.config as TokenConfig | undefined) : undefined;
    if (!token.isRenewable || config?.sentToken === undefined || !isUnknownToken(error)) throw error;
    const renewed = await token.renew(config.sentToken).catch((reason: unknown) => {
      throw httpError(reason, Date.now());
    });
    if (renewed.value === config.sentToken.value) throw error;
    const tokenRenewals = (config.tokenRenewals ?? 0) + 1;
    if (tokenRenewals > MAX_RENEWALS) throw httpError(failure, Date.now(), { tokenReplaced: true });
    const again: TokenConfig = { ...config, sentToken: renewed, tokenRenewals };
    return http.request(again);
  });
  return http;
}

function isUnknownToken(error: Error): boolean {
  return error instanceof MatrixError && error.status === 401 && error.errcode === "M_UNKNOWN_TOKEN";
}
