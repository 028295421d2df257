import { DeviceTrackerError } from "../model/errors.js";

export interface ConnectionFailure {
  /** Such as `ECONNREFUSED` in Node, `ERR_NETWORK` in a browser. */
  readonly code?: string | undefined;
  /** The platform's description. */
  readonly detail?: string | undefined;
  /** In ms, if it has passed. */
  readonly deadline?: number | undefined;
}

/** The server sent no response: there was no connection, it was lost, or the deadline passed. It is safe to retry. */
export class ConnectionError extends DeviceTrackerError {
  override readonly name = "ConnectionError";
  /** Such as `ECONNREFUSED` in Node. Browsers only give `ERR_NETWORK`. */
  readonly code: string | undefined;
  /** How long the request waited, in ms; `undefined` if it failed for another reason. */
  readonly deadline: number | undefined;

  constructor(
    /** The endpoint, such as `/keys/query`. */
    readonly endpoint: string,
    { code, detail, deadline }: ConnectionFailure,
    options?: ErrorOptions,
  ) {
    const why =
      deadline === undefined
        ? [detail, code].filter((part) => part !== undefined && part !== "").join(", ") || "no connection"
        : `none within ${deadline} ms`;
    const cors =
      code === "ERR_NETWORK" ? ", and, in a browser, that the server allows requests from this origin (CORS)" : "";
    super(
      `no response from ${endpoint} (${why}): check the connection and homeserverUrl${cors}, or try again`,
      options,
    );
    this.code = code;
    this.deadline = deadline;
  }
}
