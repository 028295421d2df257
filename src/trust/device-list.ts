import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceStatus, RejectionReason } from "../model/results.js";
import type { CrossSigningKey, DeviceKeys } from "../model/wire.js";
import { checkCrossSigningKey, checkDevice, type CrossSigningUsage } from "../keys/check-device.js";
import { NO_IDENTITY, type Identity } from "./identity.js";
import { isObject, sameJson } from "../keys/json.js";

/** One user's device list as an answer gave it, of the right shape and not verified. */
export interface AnsweredList {
  readonly deviceKeys: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  readonly masterKey?: CrossSigningKey;
  readonly selfSigningKey?: CrossSigningKey;
  readonly userSigningKey?: CrossSigningKey;
  /** When the answer came, in ms since the epoch. */
  readonly fetchedAt: number;
}

/** One user's device list as validation left it: what is cached and saved. */
export interface DeviceList extends AnsweredList {
  /** Of each of `deviceKeys`. */
  readonly deviceStatus: ReadonlyMap<DeviceId, DeviceStatus>;
  readonly identity: Identity;
}

/** A list of nobody's devices. */
export const emptyList = (fetchedAt: number): DeviceList => ({
  deviceKeys: new Map(),
  deviceStatus: new Map(),
  rejected: new Map(),
  identity: NO_IDENTITY,
  fetchedAt,
});

const CROSS_SIGNING: readonly (readonly ["masterKey" | "selfSigningKey" | "userSigningKey", CrossSigningUsage])[] = [
  ["masterKey", "master"],
  ["selfSigningKey", "self_signing"],
  ["userSigningKey", "user_signing"],
];

/** A saved list, or `undefined` where it is not what this version would have saved: then it is not to be trusted at all. */
export function readDeviceList(saved: unknown, userId: UserId): DeviceList | undefined {
  if (
    !isObject(saved) ||
    !(saved.deviceKeys instanceof Map) ||
    !(saved.rejected instanceof Map) ||
    !Number.isFinite(saved.fetchedAt)
  )
    return undefined;
  if (!(saved.deviceStatus instanceof Map) || !isIdentity(saved.identity)) return undefined;
  for (const [deviceId, device] of saved.deviceKeys as ReadonlyMap<unknown, unknown>) {
    if (
      typeof deviceId !== "string" ||
      "rejected" in checkDevice(device, userId, deviceId) ||
      !isStatus(saved.deviceStatus.get(deviceId))
    )
      return undefined;
  }
  for (const [deviceId, reason] of saved.rejected as ReadonlyMap<unknown, unknown>) {
    if (
      typeof deviceId !== "string" ||
      !isObject(reason) ||
      typeof reason.code !== "string" ||
      typeof reason.detail !== "string"
    )
      return undefined;
  }
  for (const [name, usage] of CROSS_SIGNING) {
    if (saved[name] !== undefined && "problem" in checkCrossSigningKey(saved[name], userId, usage)) return undefined;
  }
  return saved as unknown as DeviceList;
}

function isStatus(saved: unknown): boolean {
  return (
    isObject(saved) &&
    [saved.signedByItself, saved.crossSigned, saved.dehydrated].every((is) => typeof is === "boolean")
  );
}

function isIdentity(saved: unknown): boolean {
  if (!isObject(saved) || !Array.isArray(saved.signedBy)) return false;
  return [saved.masterKey ?? "", saved.pinnedMasterKey ?? "", ...(saved.signedBy as unknown[])].every(
    (key) => typeof key === "string",
  );
}

/** What two lists are compared by: devices, refusals, cross-signing keys and what is made of them, whenever they were fetched. */
type Comparable = Omit<DeviceList, "fetchedAt" | "identity"> & { readonly identity: object };

/** Whether two lists are the same to whoever is shown them. */
export function sameDeviceList(a: Comparable, b: Comparable): boolean {
  const maps = ["deviceKeys", "deviceStatus", "rejected"] as const;
  return (
    maps.every((name) => sameMap(a[name], b[name])) &&
    sameJson(a.identity, b.identity) &&
    CROSS_SIGNING.every(([name]) => sameJson(a[name], b[name]))
  );
}

/** Whether two devices are the same in all that signatures cover, and in the signatures: the rest (`unsigned`) is the word of the servers on the way. */
export function sameSigned(a: DeviceKeys, b: DeviceKeys): boolean {
  if (sameJson(a, b)) return true;
  const { unsigned: _a, ...signedA } = a;
  const { unsigned: _b, ...signedB } = b;
  return sameJson(signedA, signedB);
}

function sameMap(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !sameJson(value, b.get(key))) return false;
  return true;
}
