import type { UserId } from "../model/ids.js";
import type { CrossSigningKey } from "../model/wire.js";
import type { CrossSigningUsage } from "./cross-signing-keys.js";
import { jsonLength } from "./json.js";
import { MAX_DEVICE_DEPTH, MAX_DEVICE_LENGTH } from "./limits.js";
import { LIST_OF_TEXTS, quote, shapeProblem, SIGNATURES, TEXT, TEXTS_BY_NAME, type Shape } from "./shape.js";

/** Matrix spec, client-server API, "Cross-signing", "CrossSigningKey". */
const CROSS_SIGNING_KEY: Shape = [
  ["user_id", TEXT],
  ["usage", LIST_OF_TEXTS],
  ["keys", TEXTS_BY_NAME],
  ["signatures", SIGNATURES, "optional"],
];

/** Checks that a value is this user's key for this usage. Does not check signatures. */
export function checkCrossSigningKey(
  value: unknown,
  userId: UserId,
  usage: CrossSigningUsage,
): { readonly key: CrossSigningKey } | { readonly problem: string } {
  if (jsonLength(value, MAX_DEVICE_LENGTH, MAX_DEVICE_DEPTH) === undefined)
    return { problem: `too large (more than ${MAX_DEVICE_LENGTH} characters), or not JSON` };
  const problem = shapeProblem(CROSS_SIGNING_KEY, value);
  if (problem !== undefined) return { problem };
  const key = value as CrossSigningKey;
  if (key.user_id !== userId)
    return { problem: `user_id: expected ${JSON.stringify(userId)}, found ${quote(key.user_id)}` };
  if (!key.usage.includes(usage)) return { problem: `usage: expected ${usage}` };
  return { key };
}
