import type { DeviceKeys } from "../model/wire.js";
import { canonicalCurve25519 } from "./strict-curve25519.js";

/** The algorithms of a device's identity keys. Matrix spec, client-server API, "Key algorithms". */
export type KeyAlgorithm = "curve25519" | "ed25519";
export const KEY_ALGORITHMS: readonly KeyAlgorithm[] = ["curve25519", "ed25519"];

/** Returns a device's public key of this algorithm, in unpadded base64; `undefined` if it has none. */
export function deviceKey({ keys, device_id: deviceId }: DeviceKeys, algorithm: KeyAlgorithm): string | undefined {
  return keys[`${algorithm}:${deviceId}`]; // no name with a colon is inherited
}

/** Returns a device's public key in the spelling used for comparisons. */
export function comparableKey(device: DeviceKeys, algorithm: KeyAlgorithm): string | undefined {
  const key = deviceKey(device, algorithm);
  return key === undefined ? undefined : canonicalKey(key, algorithm);
}

export const canonicalKey = (key: string, algorithm: KeyAlgorithm): string =>
  algorithm === "curve25519" ? canonicalCurve25519(key) : key;
