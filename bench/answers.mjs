// What a homeserver answers about the accounts of a benchmark.

export const ME = "@me:bench.example";

/**
 * @typedef {{ userId: string, devices: Record<string, object> }} Account
 */

/** @param {number} i */
export const userName = (i) => `@user${i}:server${i % 50}.example`;

/**
 * The body of an answer to `/keys/query` for these accounts.
 * @param {readonly Account[]} accounts
 */
export const answerFor = (accounts) =>
  JSON.stringify({
    failures: {},
    device_keys: Object.fromEntries(accounts.map(({ userId, devices }) => [userId, devices])),
  });
