import type { UserId } from "./ids.js";

/** What all errors of this package have in common. */
export abstract class DeviceTrackerError extends Error {
  abstract override readonly name: string;
}

/** A server's answer makes no sense: it is not what the Matrix spec says the endpoint answers. */
export class InvalidResponseError extends DeviceTrackerError {
  override readonly name = "InvalidResponseError";
  /**
   * @param endpoint the endpoint that was asked, such as `/keys/query`
   * @param path where in the answer the nonsense is, such as `device_keys`; empty for the answer as a whole
   * @param expected what would have made sense there, such as `an object`
   */
  constructor(
    readonly endpoint: string,
    readonly path: string,
    expected: string,
    options?: ErrorOptions,
  ) {
    super(`${endpoint} answered nonsense: ${path === "" ? "the answer" : `"${path}"`} should be ${expected}`, options);
  }
}

/** A `/keys/query` was not answered in time and was given up; asking again is safe. */
export class QueryTimedOutError extends DeviceTrackerError {
  override readonly name = "QueryTimedOutError";
  constructor(
    /** How long it was waited for, in ms. */
    readonly deadline: number,
    /** Whom the query asked for. */
    readonly userIds: readonly UserId[],
  ) {
    super(
      `/keys/query for ${userIds.length} user(s) was not answered within ${deadline} ms and was given up; ask again`,
    );
  }
}

/** The signatures of an answer could not be verified, and none of it was used; asking again is safe. */
export class VerificationFailedError extends DeviceTrackerError {
  override readonly name = "VerificationFailedError";
  constructor(
    /** How many there were. */
    readonly signatures: number,
    options?: ErrorOptions,
  ) {
    const why = options?.cause instanceof Error ? `: ${options.cause.message}` : "";
    super(
      `${signatures} signature(s) of an answer could not be verified, and nothing of it was used${why}; ask again`,
      options,
    );
  }
}

/** Another master key was to be acknowledged than the one which the user has by now. */
export class IdentityChangedError extends DeviceTrackerError {
  override readonly name = "IdentityChangedError";
  constructor(
    readonly userId: UserId,
    /** The one that was to be acknowledged. */
    readonly acknowledged: string,
    /** The one that they have; `undefined`: none. */
    readonly masterKey: string | undefined,
  ) {
    super(
      `the master key of ${userId} is ${masterKey ?? "gone"} by now, not ${acknowledged}: look again before it is acknowledged`,
    );
  }
}

/** The store did not finish an operation in time; the operation counts as failed, though it may still take effect. */
export class StoreTimedOutError extends DeviceTrackerError {
  override readonly name = "StoreTimedOutError";
  constructor(
    /** How long it was waited for, in ms. */
    readonly deadline: number,
  ) {
    super(`the device store did not answer within ${deadline} ms; the operation counts as failed`);
  }
}

/** The store holds the device lists of another account; nothing of it was read or changed. */
export class StoreOwnerError extends DeviceTrackerError {
  override readonly name = "StoreOwnerError";
  constructor(
    readonly owner: UserId,
    readonly userId: UserId,
  ) {
    super(
      `this device store belongs to ${owner}, not to ${userId}: open a store of its own for each account, or clear() this one first`,
    );
  }
}

/** The store was cleared while the tracker was using it, in this tab or another: it was a log-out. Make a new tracker. */
export class StoreClearedError extends DeviceTrackerError {
  override readonly name = "StoreClearedError";
  constructor() {
    super("this device store was cleared (a log-out, perhaps in another tab): make a new tracker to go on");
  }
}

/** The store was written by a newer version of this package, in a format that this one does not know. */
export class StoreFormatError extends DeviceTrackerError {
  override readonly name = "StoreFormatError";
  constructor(
    readonly format: number,
    readonly known: number,
  ) {
    super(
      `this device store has format ${format}, this version knows ${known}: update the package; until then nothing is saved`,
    );
  }
}

/** `connect()` was called on a tracker that is connected. */
export class AlreadyConnectedError extends DeviceTrackerError {
  override readonly name = "AlreadyConnectedError";
  constructor() {
    super(
      "this tracker is connected already: unsubscribe the subscription of the first connect() before connecting again",
    );
  }
}

/** The tracker was closed with `close()`. Make a new one. */
export class TrackerClosedError extends DeviceTrackerError {
  override readonly name = "TrackerClosedError";
  constructor() {
    super("this tracker was closed with close(): make a new one");
  }
}
