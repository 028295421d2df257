import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import type { SignatureCheck } from "../../src/trust/signature-verifier.js";

/** The first byte of signatures that do not hold. */
export const FORGED = 9;
const HOLDS = 1;

/** A device with a signature in its own name, of the right shape and computed by nobody. */
export function signedDevice(device: DeviceKeys, user: UserId, first = HOLDS): DeviceKeys {
  const bytes = new Uint8Array(64).fill(7);
  bytes[0] = first;
  bytes[63] = 0; // both halves are small numbers, little endian
  const signature = btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
  return { ...device, signatures: { [user]: { [`ed25519:${device.device_id}`]: signature } } };
}

/** What a check is about: the user, and where it is among what is signed, the query that brought the device. */
export function readCheck({ message }: SignatureCheck): { readonly user_id?: UserId; readonly query?: number } {
  return JSON.parse(new TextDecoder().decode(message)) as { user_id?: UserId; query?: number };
}
