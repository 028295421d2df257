/*
 * How much is done at a time. What comes of it does not depend on these numbers: specs make them small.
 */

/** Tracked users in one record of a snapshot. */
export const USERS_PER_SNAPSHOT_RECORD = 1_000;

/** Log records after which a snapshot is written, at the least. */
export const MIN_LOG = 250;

/**
 * With many tracked users a snapshot costs more, so it is written less often: one for as many log records as a
 * hundredth of the users.
 */
export const USERS_PER_LOG_RECORD = 100;

/** Log records that a tracker which is behind reads one by one; one that is further behind reads everything. */
export const MAX_TAIL = 1_000;

/**
 * Records that several writes may touch together in one transaction: what a store does within its deadline even on a
 * slow disk.
 */
export const MAX_RECORDS_PER_TRANSACTION = 5_000;

/** Devices in the lists that one transaction compares with the pins, at most: fewer if that takes long. */
export const MAX_DEVICES_PER_TRANSACTION = 500;

/** Users that the commits of one transaction name, at most, unless a single one names more. */
export const MAX_USERS_IN_TRANSACTION = 5_000;

/** Devices in one compacted record of the index. */
export const DEVICES_PER_INDEX_RECORD = 5_000;

/** Users of one step or call that are processed before it is looked at how long the page has been kept busy. */
export const MAX_USERS_AT_ONCE = 1_000;

/**
 * Users of a response who are parsed and verified at a time. A verifier that lets the page go on in between makes each
 * such portion a task of its own.
 */
export const USERS_AT_A_TIME = 25;

/** Devices of a response that are parsed and verified at a time, unless a single user has more. */
export const DEVICES_AT_A_TIME = 500;

/**
 * Devices of a user whose part of a response is settled together with those of others; a user who lists more is settled
 * apart, after all others, so that they do not wait for the verification. Verifying so many takes 5 to 10 ms.
 */
export const MAX_DEVICES_TOGETHER = 50;

/** The same limit in characters of JSON: one device may have 65,536. Honest devices have about 700. */
export const MAX_LENGTH_TOGETHER = 100_000;
