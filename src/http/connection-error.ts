import { DeviceTrackerError } from "../model/errors.js";

/** Why there was no answer. */
export interface NoAnswer {
  /** Such as `ECONNREFUSED` under Node, `ERR_NETWORK` in a browser. */
  readonly code?: string | undefined;
  /** In the platform's words. */
  readonly detail?: string | undefined;
  /** In ms, where the time was up. */
  readonly deadline?: number | undefined;
}

/** There was no answer from the server: no connection, one that broke, or none within the deadline. Asking again may succeed. */
export class ConnectionError extends DeviceTrackerError {
  override readonly name = "ConnectionError";
  /** Such as `ECONNREFUSED` under Node, `ERR_NETWORK` in a browser, where all that is known is that it failed. */
  readonly code: string | undefined;
  /** How long an answer was waited for, in ms; undefined where something else was the reason. */
  readonly deadline: number | undefined;

  constructor(
    /** The endpoint that was asked, such as `/keys/query`. */
    readonly endpoint: string,
    { code, detail, deadline }: NoAnswer,
    options?: ErrorOptions,
  ) {
    const why =
      deadline === undefined
        ? [detail, code].filter((part) => part !== undefined && part !== "").join(", ") || "no connection"
        : `none within ${deadline} ms`;
    super(`no answer from ${endpoint} (${why}): check the connection and homeserverUrl, or try again`, options);
    this.code = code;
    this.deadline = deadline;
  }
}
