import type { DeviceStatus } from "../../src/model/results.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import type { Pins } from "../../src/trust/pins.js";
import { keyPair, signedAccount, type SignedAccount } from "../support/signed-account.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

export const alice = signedAccount(ALICE);
export const bob = signedAccount(BOB);
export const carol = signedAccount(CAROL);
export const phone = bob.device("PHONE");
export const tablet = bob.device("TABLET");
/** Bob's phone with other keys. */
export const swapped = bob.device("PHONE", {
  key: keyPair("another phone"),
  curve25519: keyPair("another curve25519 key").publicKey,
});

export const keyOf = (device: DeviceKeys, algorithm: "curve25519" | "ed25519"): string =>
  device.keys[`${algorithm}:${device.device_id}`] ?? "";

const status: DeviceStatus = { signedByItself: true, crossSigned: true, dehydrated: false };

/** A list as verification leaves it: of these devices, all of them signed, with the account's cross-signing keys. */
export const verified = (
  account: SignedAccount,
  devices: readonly DeviceKeys[],
  changes: Partial<DeviceList> = {},
): DeviceList => ({
  ...emptyList(5),
  deviceKeys: new Map(devices.map((device) => [device.device_id, device])),
  deviceStatus: new Map(devices.map((device) => [device.device_id, status])),
  masterKey: account.masterKey,
  selfSigningKey: account.selfSigningKey,
  identity: { masterKey: account.master.publicKey, signedBy: [] },
  ...changes,
});

/** The same, of devices that only their own keys have signed. */
export const selfSigned = (
  account: SignedAccount,
  devices: readonly DeviceKeys[],
  changes: Partial<DeviceList> = {},
): DeviceList =>
  verified(account, devices, {
    deviceStatus: new Map(devices.map((device) => [device.device_id, { ...status, crossSigned: false }])),
    ...changes,
  });

/** What is pinned by a list of these devices, without its history. */
export const pinsFor = (account: SignedAccount, ...devices: readonly DeviceKeys[]): Pins => ({
  devices: new Map(devices.map((device) => [device.device_id, keyOf(device, "ed25519")])),
  ...(devices.length > 0 && { signed: new Set(devices.map(({ device_id }) => device_id)) }),
  masterKey: account.master.publicKey,
});
