import { isString } from "./content.js";
import { isSame } from "./curve25519.js";
import type { Disputed } from "./disputed.js";
import { at, isJsonObject } from "./json.js";
import type { DeviceVerdict } from "./verdict.js";

/* How the keys that the two sides have of a device compare with those in the response and before it. */

/** The IDs of the other devices with the same curve25519 key; each, and this one, in the response or before it. */
export function sharingDevices({ about, userId, deviceId, devices, device }: Disputed): readonly string[] {
  const given = isJsonObject(devices) ? Object.entries(devices) : [];
  const before = about.oursBefore?.users.get(userId)?.devices ?? new Map<string, DeviceVerdict>();
  const keys = [at(device, "keys", `curve25519:${deviceId}`), before.get(deviceId)?.curve25519].filter(isString);
  const isShared = (other: unknown) => keys.some((key) => isSame(other, key));
  return [
    ...given.filter(([id, other]) => isShared(at(other, "keys", `curve25519:${id}`))).map(([id]) => id),
    ...Array.from(before).flatMap(([id, { curve25519 }]) => (isShared(curve25519) ? [id] : [])),
  ].filter((id) => id !== deviceId);
}

/** Whether we accept the key that the response gives the device, and they have it with another. */
export function theyKeepTheKey(disputed: Disputed): boolean {
  const { key, code, isAboutDevice } = disputed;
  const their = disputed.deviceOf("theirs")?.ed25519;
  const isOurs = isAboutDevice && code === undefined && disputed.deviceOf("ours")?.ed25519 === key;
  return isOurs && key !== undefined && their !== undefined && their !== key;
}

/** Whether they have the key that the response gives the device, and we refuse it because the device had another. */
export const theyAcceptTheKey = (disputed: Disputed): boolean =>
  disputed.code === "key-changed" &&
  disputed.key !== undefined &&
  disputed.deviceOf("theirs")?.ed25519 === disputed.key &&
  disputed.formerKeys.at(-1) !== disputed.key;

/** Whether we have the device as it was, and they as it is in the response. */
export const weKeepTheDevice = (disputed: Disputed): boolean =>
  disputed.isAboutDevice &&
  disputed.code !== undefined &&
  disputed.before("ours") === disputed.ours &&
  disputed.alone("theirs") === disputed.theirs;

/** Whether both have the device from earlier responses, and the key that ours was verified with is still there. */
export const bothKeepTheDevice = (disputed: Disputed): boolean =>
  disputed.theirs !== undefined &&
  (disputed.alone("theirs") === undefined || disputed.deviceOf("theirs")?.ed25519 !== disputed.key) &&
  disputed.about.ours.users.get(disputed.userId)?.selfSigning ===
    disputed.about.oursBefore?.users.get(disputed.userId)?.selfSigning;

/** Whether the pinned identity has signed this device, and none of those with the same curve25519 key. */
export function isTheOnlyOneCrossSigned(disputed: Disputed): boolean {
  const { about, userId, devices } = disputed;
  const selfSigning = about.ours.users.get(userId)?.selfSigning;
  if (selfSigning === undefined || !about.ours.unchanged.has(userId)) return false;
  const isSigned = (id: string) =>
    isString(at(devices, id, "signatures", userId, `ed25519:${selfSigning}`)) ||
    about.oursBefore?.users.get(userId)?.devices.get(id)?.crossSigned === true;
  return disputed.deviceOf("theirs")?.crossSigned === true && !sharingDevices(disputed).some(isSigned);
}
