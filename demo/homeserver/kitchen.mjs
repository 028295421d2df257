/**
 * @typedef {object} User how a user starts
 * @property {string} userId
 * @property {number} devices
 * @property {boolean} hasIdentity
 * @property {boolean} [isVerified] by Alice
 * @property {boolean} [isAway] in no room with Alice
 */

export const HOME = "home.example";
const ELSEWHERE = "elsewhere.example";
/** Our own user. */
export const ALICE = `@alice:${HOME}`;
export const BOB = `@bob:${HOME}`;
export const CAROL = `@carol:${HOME}`;
const DAVE = `@dave:${ELSEWHERE}`;
export const ROOM = `!kitchen:${HOME}`;
/** A key of the room is used for five messages, so that one sees it replaced. */
export const ENCRYPTION = { algorithm: "m.megolm.v1.aes-sha2", rotation_period_msgs: 5 };

/**
 * The members of one encrypted room, on two servers. Alice has verified Carol; Dave has never set up cross-signing.
 *
 * @type {readonly User[]}
 */
export const KITCHEN = [
  { userId: ALICE, devices: 1, hasIdentity: true },
  { userId: BOB, devices: 2, hasIdentity: true },
  { userId: CAROL, devices: 1, hasIdentity: true, isVerified: true },
  { userId: DAVE, devices: 2, hasIdentity: false },
];
