/** An attempt of the sync loop that failed, and what is done about it. For logs, and for a line such as "offline, next attempt in 20 s". */
export interface SyncFailed {
  /**
   * - `request-failed`: no connection, a refusal, or an answer that makes no sense; the same is asked again
   * - `since-refused`: the server does not know the token that it was given; it is dropped and an initial sync follows
   * - `since-unreadable`: `since$` failed or did not answer; an initial sync follows at once
   * - `ended`: the server will not have us any more; the observable fails with `error`
   */
  readonly type: "request-failed" | "since-refused" | "since-unreadable" | "ended";
  /** `MatrixError`, `ConnectionError`, `InvalidResponseError`, or what `accessToken` or `since$` threw. */
  readonly error: Error;
  /** How many attempts have failed in a row, this one included; 0 with `since-unreadable`, for nothing was sent. */
  readonly attempt: number;
  /** In how many ms the next attempt is made, sooner where the browser comes online; `null` with `ended`: never. */
  readonly retryIn: number | null;
  /** The token that the failed request had, `null` where it was an initial sync. */
  readonly since: string | null;
  /** All of it in a sentence. */
  readonly message: string;
}
