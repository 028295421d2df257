import * as v from "valibot";
import type { DeviceId, UserId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import type { CrossSigningKey, DeviceKeys } from "../model/wire.js";
import { isObject, jsonLength } from "./json.js";
import { MAX_DEVICE_DEPTH, MAX_DEVICE_LENGTH, MAX_REJECTED_ID_LENGTH } from "./limits.js";

// valibot's own records and objects leave out names such as `__proto__`: these look at every property, and the checks below
// only ever say yes or no, so that the original object is kept, unknown properties and all (signatures cover them).
const strings = v.custom<Record<string, string>>(
  (value) => isObject(value) && Object.values(value).every((item) => typeof item === "string"),
  "expected an object of strings",
);
const signatures = v.custom<Record<string, Record<string, string>>>(
  (value) => isObject(value) && Object.values(value).every((by) => v.is(strings, by)),
  "expected signatures by user and key",
);
const object = v.custom<Record<string, unknown>>(isObject, "expected an object");

/** Matrix spec, client-server API, `POST /_matrix/client/v3/keys/query`, "DeviceInformation", where `signatures` is required: a device without is for `unsignedDevices` to decide. */
const deviceShape = v.object({
  user_id: v.string(),
  device_id: v.string(),
  algorithms: v.array(v.string()),
  keys: strings,
  signatures: v.optional(signatures),
  unsigned: v.optional(object),
});

/** Matrix spec, client-server API, "Cross-signing", "CrossSigningKey". */
const crossSigningShape = v.object({
  user_id: v.string(),
  usage: v.array(v.string()),
  keys: strings,
  signatures: v.optional(signatures),
});

/** The device, where it may be filed under this user and ID, or why not. */
export type DeviceCheck =
  { readonly device: DeviceKeys; readonly length: number } | { readonly rejected: RejectionReason };

/**
 * Whether what came (or was saved) under this user and device ID is a device of theirs.
 *
 * Matrix spec, client-server API, `POST /keys/query`: the answer is a map by user ID and device ID, and "DeviceInformation" says whose the keys are. Where they say another, a server has moved them.
 */
export function checkDevice(value: unknown, userId: UserId, deviceId: DeviceId): DeviceCheck {
  const length = jsonLength(value, MAX_DEVICE_LENGTH, MAX_DEVICE_DEPTH);
  if (length === undefined) {
    return reject(
      "too-large",
      `more than ${MAX_DEVICE_LENGTH} characters of JSON, nested deeper than ${MAX_DEVICE_DEPTH}, or no JSON`,
    );
  }
  if (deviceId.length > MAX_REJECTED_ID_LENGTH)
    return reject("too-large", `device_id: more than ${MAX_REJECTED_ID_LENGTH} characters`);
  const problem = shapeProblem(deviceShape, value);
  if (problem !== undefined) return reject("malformed", problem);
  const device = value as DeviceKeys;
  if (device.user_id !== userId)
    return reject("user-id-mismatch", `user_id: expected ${JSON.stringify(userId)}, found ${quote(device.user_id)}`);
  if (device.device_id !== deviceId) {
    return reject("device-id-mismatch", `device_id: expected ${quote(deviceId)}, found ${quote(device.device_id)}`);
  }
  return { device, length };
}

/** What a cross-signing key is for, as `usage` says it. */
export type CrossSigningUsage = "master" | "self_signing" | "user_signing";

/** The key, where it may be this user's key for this usage, or what is wrong with it. */
export function checkCrossSigningKey(
  value: unknown,
  userId: UserId,
  usage: CrossSigningUsage,
): { readonly key: CrossSigningKey } | { readonly problem: string } {
  if (jsonLength(value, MAX_DEVICE_LENGTH, MAX_DEVICE_DEPTH) === undefined)
    return { problem: `too large (more than ${MAX_DEVICE_LENGTH} characters), or no JSON` };
  const problem = shapeProblem(crossSigningShape, value);
  if (problem !== undefined) return { problem };
  const key = value as CrossSigningKey;
  if (key.user_id !== userId)
    return { problem: `user_id: expected ${JSON.stringify(userId)}, found ${quote(key.user_id)}` };
  if (!key.usage.includes(usage)) return { problem: `usage: expected ${usage}` };
  return { key };
}

function shapeProblem(shape: v.GenericSchema, value: unknown): string | undefined {
  const { issues } = v.safeParse(shape, value, { abortEarly: true });
  if (issues === undefined) return undefined;
  const [issue] = issues;
  const path = v.getDotPath(issue);
  // Never valibot's own message: it repeats what was received, at whatever length.
  const problem = issue.type === "custom" ? issue.message : `expected ${issue.expected ?? "something else"}`;
  return path === null ? problem : `${path}: ${problem}`;
}

const reject = (code: RejectionReason["code"], detail: string): DeviceCheck => ({ rejected: { code, detail } });

/** A string that somebody else chose, short enough for a message. */
const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
