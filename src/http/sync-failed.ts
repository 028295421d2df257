/**
 * A failed attempt of the sync loop and its consequence, for logs and for a status such as "offline, next attempt in 20
 * s".
 */
export interface SyncFailed {
  /**
   * - `request-failed`: no connection, a refusal, or an invalid response; the same request follows
   * - `save-failed`: the application could not save the response (`save`); the same request follows
   * - `since-refused`: the server does not know the token; it is dropped, and an initial sync follows
   * - `since-unreadable`: `since$` failed or did not emit in time; an initial sync follows at once
   * - `ended`: the server has logged the device out, deactivated the account, or does not support sliding sync; the
   *   Observable fails with `error`
   */
  readonly type: "request-failed" | "save-failed" | "since-refused" | "since-unreadable" | "ended";
  /** `MatrixError`, `ConnectionError`, `InvalidResponseError`, or what `accessToken`, `save` or `since$` threw. */
  readonly error: Error;
  /** Failed attempts in a row, including this one; 0 for `since-unreadable`, since nothing was sent. */
  readonly attempt: number;
  /** When the next attempt follows, in ms; sooner if the browser comes online. `null` for `ended`. */
  readonly retryIn: number | null;
  /** The token of the failed request; `null` for an initial sync. */
  readonly since: string | null;
  /** All of this in a sentence. */
  readonly message: string;
}
