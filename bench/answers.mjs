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

/**
 * Bodies of answers, made once for each set of users: making them does not count.
 *
 * @param {readonly Account[]} accounts
 * @returns {(userIds: readonly string[]) => string}
 */
export function textsFrom(accounts) {
  const byId = new Map(accounts.map((account) => [account.userId, account]));
  const texts = new Map();
  return (userIds) => {
    const key = userIds.join();
    const text = texts.get(key) ?? answerFor(userIds.flatMap((userId) => byId.get(userId) ?? []));
    texts.set(key, text);
    return text;
  };
}
