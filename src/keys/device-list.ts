import type { DeviceId, UserId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import type { CrossSigningKey, DeviceKeys } from "../model/wire.js";
import { checkCrossSigningKey, checkDevice, type CrossSigningUsage } from "./check-device.js";
import { isObject, sameJson } from "./json.js";

/** One user's device list as an answer gave it and validation left it: what is cached and saved. */
export interface DeviceList {
  readonly deviceKeys: ReadonlyMap<DeviceId, DeviceKeys>;
  readonly rejected: ReadonlyMap<DeviceId, RejectionReason>;
  readonly masterKey?: CrossSigningKey;
  readonly selfSigningKey?: CrossSigningKey;
  readonly userSigningKey?: CrossSigningKey;
  /** When the answer came, in ms since the epoch. */
  readonly fetchedAt: number;
}

const CROSS_SIGNING: readonly (readonly ["masterKey" | "selfSigningKey" | "userSigningKey", CrossSigningUsage])[] = [
  ["masterKey", "master"],
  ["selfSigningKey", "self_signing"],
  ["userSigningKey", "user_signing"],
];

/** A saved list, or `undefined` where it is not what this version would have saved: then it is not to be trusted at all. */
export function readDeviceList(saved: unknown, userId: UserId): DeviceList | undefined {
  if (!isObject(saved) || !(saved.deviceKeys instanceof Map) || !(saved.rejected instanceof Map) || !Number.isFinite(saved.fetchedAt)) return undefined;
  for (const [deviceId, device] of saved.deviceKeys as ReadonlyMap<unknown, unknown>) {
    if (typeof deviceId !== "string" || "rejected" in checkDevice(device, userId, deviceId)) return undefined;
  }
  for (const [deviceId, reason] of saved.rejected as ReadonlyMap<unknown, unknown>) {
    if (typeof deviceId !== "string" || !isObject(reason) || typeof reason.code !== "string" || typeof reason.detail !== "string") return undefined;
  }
  for (const [name, usage] of CROSS_SIGNING) {
    if (saved[name] !== undefined && "problem" in checkCrossSigningKey(saved[name], userId, usage)) return undefined;
  }
  return saved as unknown as DeviceList;
}

/** Whether two lists hold the same devices, refusals and cross-signing keys, whenever they were fetched. */
export function sameDeviceList(a: Omit<DeviceList, "fetchedAt">, b: Omit<DeviceList, "fetchedAt">): boolean {
  return sameMap(a.deviceKeys, b.deviceKeys) && sameMap(a.rejected, b.rejected) && CROSS_SIGNING.every(([name]) => sameJson(a[name], b[name]));
}

function sameMap(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (!b.has(key) || !sameJson(value, b.get(key))) return false;
  return true;
}
