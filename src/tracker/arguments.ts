import { isUserId, type UserId } from "../model/ids.js";
import { shown } from "../model/shown.js";
import { isPublicKey } from "../trust/cross-signing-key.js";

/* Checks of what callers pass to a tracker. Each throws an error that says what was expected and what was given. */

export function checkServerTimeout(timeout: number): void {
  if (Number.isSafeInteger(timeout) && timeout >= 0) return;
  throw new RangeError(
    `timeout should be a whole number of ms from 0 on, not ${timeout}; leave it out for the server's own`,
  );
}

export function requirePublicKey(name: string, key: unknown): asserts key is string {
  if (typeof key !== "string" || !isPublicKey(key))
    throw new TypeError(`${name} should be an ed25519 public key in unpadded base64, not ${shown(key)}`);
}

export function requireUserId(userId: unknown): asserts userId is UserId {
  if (!isUserId(userId))
    throw new TypeError(`userId should be a Matrix user ID such as "@alice:example.org", not ${shown(userId)}`);
}

export function requireText(name: string, text: unknown): asserts text is string {
  if (typeof text !== "string") throw new TypeError(`${name} should be a string, not ${shown(text)}`);
}

export function distinctUsers(users: Iterable<UserId>): readonly UserId[] {
  if (typeof users === "string")
    throw new TypeError(`users should be an iterable of user IDs, such as [${JSON.stringify(users)}], not a string`);
  return [...new Set(users)];
}
