import { DeviceTrackerError } from "../model/errors.js";

/** What a refusal says besides its status. */
export interface Refusal {
  /** `undefined` if the response is not a Matrix error (a proxy's page, an empty body). */
  readonly errcode?: string | undefined;
  /** The server's message, `error`. */
  readonly error?: string | undefined;
  /** In ms. */
  readonly retryAfter?: number | undefined;
  readonly softLogout?: boolean | undefined;
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  readonly redirectedTo?: string | undefined;
  readonly tokenReplaced?: boolean | undefined;
}

/**
 * The server refused a request: it responded with a status other than 2xx.
 *
 * @example
 * tracker.getDeviceKeys(users).subscribe({
 *   error: (error) => { if (error instanceof MatrixError && error.errcode === "M_FORBIDDEN") … },
 * });
 * @see Matrix spec, client-server API, "Standard error response"
 */
export class MatrixError extends DeviceTrackerError {
  override readonly name = "MatrixError";
  /** Such as `M_FORBIDDEN`; `undefined` if the response is not a Matrix error (a proxy's page, an empty body). */
  readonly errcode: string | undefined;
  /** How long to wait before a retry, in ms, exactly as the server says; `undefined` if it does not. */
  readonly retryAfter: number | undefined;
  /**
   * With `M_UNKNOWN_TOKEN`: the device still exists and its keys can still be used; log in again as the same device.
   * Also set while an account is locked. Matrix spec, client-server API, "Soft logout".
   */
  readonly softLogout: boolean;
  /**
   * The whole error body, for parameters of its own such as `consent_uri`; empty if it is not a JSON object. Without
   * the access token, and anything nested deeper than 50 levels.
   */
  readonly data: Readonly<Record<string, unknown>>;
  /**
   * The URL to which the request was redirected, without its query; `undefined` if it was not redirected, or if the
   * platform does not say.
   */
  readonly redirectedTo: string | undefined;
  /**
   * With `M_UNKNOWN_TOKEN`: true if `accessToken` has returned another token than the refused one. The session is not
   * over then, and the request can be repeated.
   */
  readonly tokenReplaced: boolean;

  constructor(
    /** The endpoint, such as `/keys/query`. */
    readonly endpoint: string,
    /** The HTTP status, such as 403. */
    readonly status: number,
    refusal: Refusal = {},
    options?: ErrorOptions,
  ) {
    super(describe(endpoint, status, refusal), options);
    this.errcode = refusal.errcode;
    this.retryAfter = refusal.retryAfter;
    this.softLogout = refusal.softLogout === true;
    this.data = refusal.data ?? {};
    this.redirectedTo = refusal.redirectedTo;
    this.tokenReplaced = refusal.tokenReplaced === true;
  }
}

function describe(endpoint: string, status: number, refusal: Refusal): string {
  const { errcode, error, redirectedTo } = refusal;
  const reason =
    errcode === undefined
      ? "not a Matrix error"
      : error === undefined || error === ""
        ? errcode
        : `${errcode}, "${error}"`;
  const what = redirectedTo === undefined ? "was refused" : `was redirected to ${redirectedTo} and refused`;
  const advice = adviceOn(status, refusal);
  return `${endpoint} ${what} with ${status} (${reason})${advice === "" ? "" : `: ${advice}`}`;
}

function adviceOn(status: number, refusal: Refusal): string {
  const { errcode, retryAfter, redirectedTo } = refusal;
  if (retryAfter !== undefined) return `try again in ${retryAfter} ms`;
  if (redirectedTo !== undefined) {
    const lost = errcode === "M_MISSING_TOKEN" ? "a redirect to another host drops the access token; " : "";
    return `${lost}set homeserverUrl to a URL that is not redirected`;
  }
  switch (errcode) {
    case "M_UNKNOWN_TOKEN":
      return adviceOnToken(refusal);
    case "M_MISSING_TOKEN":
      return "the access token did not arrive; check for a redirect or a proxy that drops the Authorization header";
    case undefined:
      return status >= 500
        ? "the server or a proxy in front of it is failing; try again later"
        : "check that homeserverUrl is the URL of a homeserver";
    default:
      return "";
  }
}

function adviceOnToken({ softLogout, tokenReplaced }: Refusal): string {
  if (tokenReplaced === true) return "accessToken has returned another token since; try again";
  return softLogout === true
    ? "log in again as the same device, keeping its keys"
    : "this device is logged out; log in again";
}
