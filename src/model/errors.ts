import type { UserId } from "./ids.js";

/** The base class of all errors of this package. */
export abstract class DeviceTrackerError extends Error {
  abstract override readonly name: string;
}

/** A server returned a response that is not what the Matrix spec defines for the endpoint. */
export class InvalidResponseError extends DeviceTrackerError {
  override readonly name = "InvalidResponseError";
  /**
   * @param endpoint such as `/keys/query`
   * @param path the invalid part of the response, such as `device_keys`; empty for the response as a whole
   * @param expected what the spec defines for that part, such as `an object`
   */
  constructor(
    readonly endpoint: string,
    readonly path: string,
    expected: string,
    options?: ErrorOptions,
  ) {
    const part = path === "" ? "the response" : `"${path}"`;
    super(`${endpoint} returned an invalid response: ${part} should be ${expected}`, options);
  }
}

/** A `/keys/query` was aborted because its response did not arrive in time. It is safe to retry. */
export class QueryTimedOutError extends DeviceTrackerError {
  override readonly name = "QueryTimedOutError";
  constructor(
    /** In ms. */
    readonly deadline: number,
    /** The users that were queried. */
    readonly userIds: readonly UserId[],
  ) {
    super(`/keys/query for ${userIds.length} user(s) had no response within ${deadline} ms and was aborted; try again`);
  }
}

/** The signatures of a response could not be verified. Nothing in the response was used; it is safe to retry. */
export class VerificationFailedError extends DeviceTrackerError {
  override readonly name = "VerificationFailedError";
  constructor(
    /** How many signatures were to be verified. */
    readonly signatures: number,
    options?: ErrorOptions,
  ) {
    const why = options?.cause instanceof Error ? `: ${options.cause.message}` : "";
    super(
      `${signatures} signature(s) of a response could not be verified, so nothing of it was used${why}; try again`,
      options,
    );
  }
}

/** The master key to acknowledge is not the user's current one. */
export class IdentityChangedError extends DeviceTrackerError {
  override readonly name = "IdentityChangedError";
  constructor(
    readonly userId: UserId,
    /** The key to acknowledge; `undefined` for a user without one. */
    readonly acknowledged: string | undefined,
    /** The user's current key; `undefined` if there is none. */
    readonly masterKey: string | undefined,
  ) {
    const now =
      masterKey === undefined ? `${userId} has no master key now` : `the master key of ${userId} is ${masterKey} now`;
    const not = acknowledged === undefined ? "" : `, not ${acknowledged}`;
    super(`${now}${not}: compare the current key before you acknowledge it`);
  }
}

/** The device store did not finish an operation in time. The operation counts as failed, but may still take effect. */
export class StoreTimedOutError extends DeviceTrackerError {
  override readonly name = "StoreTimedOutError";
  constructor(
    /** In ms. */
    readonly deadline: number,
  ) {
    super(`the device store did not respond within ${deadline} ms; the operation counts as failed`);
  }
}

/** The store holds the device lists of another account. None of it was read or changed. */
export class StoreOwnerError extends DeviceTrackerError {
  override readonly name = "StoreOwnerError";
  constructor(
    /** The account that the store belongs to. */
    readonly owner: UserId,
    /** The account of the tracker. */
    readonly userId: UserId,
  ) {
    super(`this device store belongs to ${owner}, not to ${userId}: use one store per account, or clear() it first`);
  }
}

/**
 * The store was cleared while the tracker was using it, in this tab or another: the account was logged out. Create a
 * new tracker.
 */
export class StoreClearedError extends DeviceTrackerError {
  override readonly name = "StoreClearedError";
  constructor() {
    super("this device store was cleared, perhaps by a log-out in another tab: make a new tracker to continue");
  }
}

/** The store was written by a newer version of this package, in a format that this version does not know. */
export class StoreFormatError extends DeviceTrackerError {
  override readonly name = "StoreFormatError";
  constructor(
    /** The format of the store. */
    readonly format: number,
    /** The newest format that this version knows. */
    readonly known: number,
  ) {
    super(
      `this device store has format ${format}, but this version only knows ${known}: update the package; ` +
        "until then nothing is saved",
    );
  }
}

/** `connect()` was called while the tracker was connected. */
export class AlreadyConnectedError extends DeviceTrackerError {
  override readonly name = "AlreadyConnectedError";
  constructor() {
    super(
      "this tracker is already connected: unsubscribe the subscription that connect() returned before connecting again",
    );
  }
}

/** The tracker was closed with `close()`. Create a new one. */
export class TrackerClosedError extends DeviceTrackerError {
  override readonly name = "TrackerClosedError";
  constructor() {
    super("this tracker was closed with close(): make a new one");
  }
}
