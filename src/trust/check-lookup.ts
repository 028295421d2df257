import { isObject } from "../model/json.js";
import type { DeviceKeysByUser, Freshness, IdentityState, UserDeviceKeys } from "../model/results.js";
import { shown } from "../model/shown.js";

/** A record type, so that the compiler complains about a missing value. */
const FRESHNESS: Readonly<Record<Freshness, true>> = {
  current: true,
  superseded: true,
  untracked: true,
  unreachable: true,
  outdated: true,
};
const STATES: Readonly<Record<IdentityState, true>> = {
  none: true,
  unchanged: true,
  changed: true,
  removed: true,
  unknown: true,
};

/** @throws TypeError if the value is not a map, such as the result of `getDeviceKeys` */
export function checkLookup(users: DeviceKeysByUser): void {
  if (!isMap(users)) throw new TypeError(`users should be the Map that a lookup emits, not ${shown(users)}`);
}

/**
 * Checks one entry of a lookup: its shape, and that it has no unknown values, since no rule would apply to them. Its
 * devices passed validation before the lookup emitted them.
 *
 * @throws TypeError that describes the problem
 */
export function checkEntry(userId: unknown, keys: UserDeviceKeys): void {
  if (typeof userId !== "string") throw new TypeError(`users should have user IDs as keys, not ${shown(userId)}`);
  const fail = (what: string, value: unknown): never => {
    throw new TypeError(`users should be what a lookup emits: ${what} of ${shown(userId)} is ${shown(value)}`);
  };
  if (!isObject(keys)) return fail("the entry", keys);
  const { deviceKeys, lastKnown = deviceKeys, deviceStatus, rejected, identity, freshness } = keys;
  if (!isMap(deviceKeys)) fail("deviceKeys", deviceKeys);
  if (!isMap(lastKnown)) fail("lastKnown", lastKnown);
  if (!isMap(deviceStatus)) fail("deviceStatus", deviceStatus);
  if (!isMap(rejected)) fail("rejected", rejected);
  if (!Object.hasOwn(FRESHNESS, freshness)) fail("freshness", freshness);
  if (!isObject(identity)) return fail("identity", identity);
  if (!Object.hasOwn(STATES, identity.state)) fail("identity.state", identity.state);
}

/** True if it can be read like a map. It may come from another realm, such as an iframe or a test runner's sandbox. */
function isMap(value: unknown): boolean {
  return (
    isObject(value) && Symbol.iterator in value && typeof value.get === "function" && typeof value.has === "function"
  );
}
