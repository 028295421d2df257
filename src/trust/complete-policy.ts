import { isPlain } from "../keys/json.js";
import { isUserId, type DeviceId, type UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import { shown } from "../model/shown.js";
import type { DeviceRef, RecipientPolicy } from "./recipient-policy.js";

type Complete<Name extends keyof RecipientPolicy> = Required<Pick<RecipientPolicy, Name>>;
type Flag =
  "unsigned" | "excludeChangedIdentities" | "excludeUnknownIdentities" | "excludeViolations" | "excludeDehydrated";

export interface CompletePolicy extends Complete<Flag | "devices"> {
  readonly blocked: ReadonlyMap<UserId, ReadonlySet<DeviceId>>;
  readonly ownDevice: DeviceRef | undefined;
  readonly users: ReadonlySet<UserId>;
}

const DEVICES = ["cross-signed", "all"] as const;
const FLAGS: Readonly<Record<Flag, boolean>> = {
  unsigned: false,
  excludeChangedIdentities: true,
  excludeUnknownIdentities: true,
  excludeViolations: true,
  excludeDehydrated: false,
};
const NAMES: readonly string[] = ["devices", ...Object.keys(FLAGS), "blocked", "ownDevice", "users"];

/**
 * Fills in the policy's defaults.
 *
 * Strict, because an unknown value or a misspelt name could silently mean "encrypt for more devices".
 *
 * @throws TypeError that names the problem, the given value and the expected one
 */
export function completePolicy(policy: RecipientPolicy): CompletePolicy {
  requireKnownProperties(policy);
  const { devices = "cross-signed", blocked = [], ownDevice, users = [] } = policy;
  if (!DEVICES.includes(devices)) throw expected("policy.devices", '"cross-signed" or "all"', devices);
  return {
    devices,
    unsigned: flag(policy, "unsigned"),
    excludeChangedIdentities: flag(policy, "excludeChangedIdentities"),
    excludeUnknownIdentities: flag(policy, "excludeUnknownIdentities"),
    excludeViolations: flag(policy, "excludeViolations"),
    excludeDehydrated: flag(policy, "excludeDehydrated"),
    blocked: devicesByUser(blocked),
    ownDevice: ownDevice === undefined ? undefined : deviceRef("policy.ownDevice", ownDevice),
    users: userIds(users),
  };
}

function requireKnownProperties(policy: unknown): void {
  if (!isObject(policy) || !isPlain(policy)) throw expected("policy", "a plain object", policy);
  const unknown = Object.keys(policy).find((name) => !NAMES.includes(name));
  if (unknown !== undefined)
    throw new TypeError(`policy should have no property ${shown(unknown)}, only ${NAMES.join(", ")}`);
}

function flag(policy: RecipientPolicy, name: Flag): boolean {
  const value: unknown = policy[name];
  if (value === undefined) return FLAGS[name];
  if (typeof value !== "boolean") throw expected(`policy.${name}`, "a boolean", value);
  return value;
}

function devicesByUser(blocked: Iterable<unknown>): ReadonlyMap<UserId, ReadonlySet<DeviceId>> {
  requireIterable("policy.blocked", "an iterable of { userId, deviceId }", blocked);
  const byUser = new Map<UserId, Set<DeviceId>>();
  for (const item of blocked) {
    const { userId, deviceId } = deviceRef("a device in policy.blocked", item);
    const devices = byUser.get(userId);
    if (devices === undefined) byUser.set(userId, new Set([deviceId]));
    else devices.add(deviceId);
  }
  return byUser;
}

/** Other properties are fine: a listed device or a session may be passed as it is. */
function deviceRef(name: string, value: unknown): DeviceRef {
  if (!isObject(value)) throw expected(name, "{ userId, deviceId }", value);
  const { userId, deviceId } = value;
  if (!isUserId(userId)) throw expected(`userId of ${name}`, 'a user ID such as "@alice:example.org"', userId);
  if (typeof deviceId !== "string" || deviceId === "")
    throw expected(`deviceId of ${name}`, "a device ID, which is a string", deviceId);
  return { userId, deviceId };
}

/** Any strings: a lookup also has entries for invalid user IDs. */
function userIds(users: Iterable<unknown>): ReadonlySet<UserId> {
  requireIterable("policy.users", "an iterable of user IDs", users);
  const wanted = new Set<UserId>();
  for (const userId of users) {
    if (typeof userId !== "string") throw expected("a user in policy.users", "a user ID, which is a string", userId);
    wanted.add(userId);
  }
  return wanted;
}

/** A string is iterable, but its characters are not what was meant. */
function requireIterable(name: string, kind: string, value: unknown): void {
  if (typeof value !== "object" || value === null || !(Symbol.iterator in value)) throw expected(name, kind, value);
}

const expected = (name: string, kind: string, value: unknown): TypeError =>
  new TypeError(`${name} should be ${kind}, not ${shown(value)}`);
