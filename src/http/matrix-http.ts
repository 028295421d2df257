import axios, { type AxiosInstance, type InternalAxiosRequestConfig } from "axios";
import { httpError } from "./http-error.js";
import { MatrixError } from "./matrix-error.js";

/** Where the homeserver is and who asks. */
export interface MatrixHttpOptions {
  /** Such as `https://matrix.example.org`; a path before `/_matrix` and a slash at the end are fine. */
  homeserverUrl: string;
  /** The access token, or a function that gives the one that is good now. */
  accessToken: string | (() => string | Promise<string>);
}

/** A request that is on its way for the second time carries the token that it was given for that. */
interface TokenConfig extends InternalAxiosRequestConfig {
  renewedToken?: string;
}

/**
 * An axios instance for one account's client-server API: paths are below `/_matrix/client/v3`, the access token goes along.
 *
 * Where `accessToken` is a function:
 *
 * 1. it is called for each request;
 * 2. when the server refuses the token (401 `M_UNKNOWN_TOKEN`) it is called once more, once for all requests that wait for that;
 * 3. if it gives another token, the request is sent again with it, once; if it gives the same one, or the new one is refused
 *    too, the refusal is final. It tells a good token from an expired one by itself, by `expires_in_ms`.
 *
 * What it throws becomes the request's error: `syncResponses` tries again, so a renewal that needs the network may just fail.
 *
 * Requests fail with `MatrixError` (the server said no), `ConnectionError` (no answer), axios's `CanceledError`, or what
 * `accessToken` threw; never with an axios error, which carries the access token wherever it is logged. URLs are always below
 * the homeserver's, so that the token goes nowhere else.
 *
 * @throws TypeError at once, where `homeserverUrl` is no URL of a homeserver or a given token cannot be one
 * @example
 * const http = matrixHttp({ homeserverUrl: "https://matrix.example.org", accessToken: () => session.freshToken() });
 * const { data } = await http.get("/account/whoami"); // { user_id: "@alice:example.org", … }
 * @see Matrix spec, client-server API, "Client Authentication", "Soft logout", "Refreshing access tokens"
 */
export function matrixHttp({ homeserverUrl, accessToken }: MatrixHttpOptions): AxiosInstance {
  const http = axios.create({ baseURL: apiUrl(homeserverUrl), allowAbsoluteUrls: false });
  if (typeof accessToken === "string") checkToken(accessToken);
  const read = async (): Promise<string> =>
    checkToken(typeof accessToken === "string" ? accessToken : await accessToken());

  /** By the token that was refused: requests that fail together ask for one new token together. */
  const renewals = new Map<string, Promise<string>>();
  const renew = (refused: string): Promise<string> => {
    const underWay = renewals.get(refused);
    if (underWay !== undefined) return underWay;
    const renewal = read().finally(() => renewals.delete(refused));
    renewals.set(refused, renewal);
    return renewal;
  };

  http.interceptors.request.use(async (config: TokenConfig) => {
    config.headers.set("Authorization", `Bearer ${config.renewedToken ?? (await read())}`);
    return config;
  });
  http.interceptors.response.use(undefined, async (failure: unknown) => {
    const error = httpError(failure, Date.now());
    const config = axios.isAxiosError(failure) ? (failure.config as TokenConfig | undefined) : undefined;
    const mayRenew = typeof accessToken === "function" && config !== undefined && config.renewedToken === undefined;
    if (!mayRenew || !isUnknownToken(error)) throw error;
    const refused = String(config.headers.get("Authorization")).slice("Bearer ".length);
    const renewedToken = await renew(refused).catch((reason: unknown) => {
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

function apiUrl(homeserverUrl: string): string {
  let url: URL;
  try {
    url = new URL(homeserverUrl);
  } catch (cause) {
    throw new TypeError(
      `homeserverUrl is no URL: give the whole of it, such as "https://matrix.example.org", not "${homeserverUrl}"`,
      { cause },
    );
  }
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new TypeError(`homeserverUrl must begin with https:// or http://, not with ${url.protocol}`);
  // None of these would reach the server, or not as meant; and what is in them may be secret, so it is not repeated.
  if (url.username !== "" || url.password !== "")
    throw new TypeError("homeserverUrl must not hold a user name or a password");
  if (url.search !== "" || url.hash !== "") throw new TypeError("homeserverUrl must end before any ? or #");
  return `${url.origin}${url.pathname.replace(/\/+$/u, "")}/_matrix/client/v3`;
}

/** A token that could not go into a header fails here, where the message can say so without repeating it. */
function checkToken(token: unknown): string {
  if (typeof token === "string" && /^[\x21-\x7e]+$/u.test(token)) return token;
  const found =
    typeof token !== "string"
      ? `of type ${typeof token}`
      : token === ""
        ? "empty"
        : "holding spaces, line breaks or other characters that no token has";
  throw new TypeError(`accessToken must be a string of visible ASCII characters; this one is ${found}`);
}
