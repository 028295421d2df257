/* How much is done at a time. These numbers do not affect results; specs make them small. */

/** Tracked users in one record of a snapshot. */
export const USERS_PER_SNAPSHOT_RECORD = 1_000;

/** A snapshot is written after at least this many log records. */
export const MIN_LOG = 250;

/**
 * A snapshot costs more with many tracked users, so it is written once there are as many log records as a hundredth of
 * the users.
 */
export const USERS_PER_LOG_RECORD = 100;

/** A tracker that is behind reads up to this many log records; beyond that, it reads everything. */
export const MAX_TAIL = 1_000;

/**
 * Records that several writes may touch in one transaction: what a store can do within its deadline even on a slow
 * disk.
 */
export const MAX_RECORDS_PER_TRANSACTION = 5_000;

/** Devices in the lists that one transaction compares with the pins, at most: fewer if that takes long. */
export const MAX_DEVICES_PER_TRANSACTION = 500;

/** Users that the commits of one transaction may name, unless a single commit names more. */
export const MAX_USERS_IN_TRANSACTION = 5_000;

/** Devices in one compacted record of the index. */
export const DEVICES_PER_INDEX_RECORD = 5_000;

/** Users of one step or call to process between two checks of how long the page has been busy. */
export const MAX_USERS_AT_ONCE = 1_000;

/**
 * Users of a response that are parsed and verified at a time. A verifier that yields in between makes each portion a
 * task of its own.
 */
export const USERS_AT_A_TIME = 25;

/** Devices of a response that are parsed and verified at a time, unless a single user has more. */
export const DEVICES_AT_A_TIME = 500;

/**
 * A user with at most this many devices is settled together with others. One with more is settled apart, after all
 * others, so that they do not wait for the verification, which takes 5 to 10 ms for this many.
 */
export const MAX_DEVICES_TOGETHER = 50;

/** The same limit in characters of JSON: one device may have 65,536, but honest devices have about 700. */
export const MAX_LENGTH_TOGETHER = 100_000;
