import { DeviceTrackerError } from "../model/errors.js";

/** What a refusal says beyond its status. */
export interface Refusal {
  /** `undefined` if the response is not a Matrix error (a proxy's page, an empty body). */
  readonly errcode?: string | undefined;
  /** The server's message, `error`. */
  readonly error?: string | undefined;
  /** In ms. */
  readonly retryAfter?: number | undefined;
  readonly softLogout?: boolean | undefined;
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
  }
}

function describe(endpoint: string, status: number, refusal: Refusal): string {
  const { errcode, error } = refusal;
  const reason =
    errcode === undefined
      ? "not a Matrix error"
      : error === undefined || error === ""
        ? errcode
        : `${errcode}, "${error}"`;
  const advice = adviceOn(status, refusal);
  return `${endpoint} was refused with ${status} (${reason})${advice === "" ? "" : `: ${advice}`}`;
}

function adviceOn(status: number, { errcode, retryAfter, softLogout }: Refusal): string {
  if (retryAfter !== undefined) return `try again in ${retryAfter} ms`;
  if (errcode === "M_UNKNOWN_TOKEN")
    return softLogout === true
      ? "log in again as the same device, keeping its keys"
      : "this device is logged out; log in again";
  if (errcode === undefined)
    return status >= 500
      ? "the server or a proxy in front of it is failing; try again later"
      : "check that homeserverUrl is the URL of a homeserver";
  return "";
}
