import type { KeyEvent } from "../../src/model/key-event.js";
import type { DeviceStatus } from "../../src/model/results.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { makePins, type Pins } from "../../src/trust/pins.js";
import { signedAccount } from "../support/signed-account.js";
import { BOB } from "../support/users.js";

export const bob = signedAccount(BOB);
export const phone = bob.device("PHONE");
export const tablet = bob.device("TABLET");
export const status = (changes: Partial<DeviceStatus> = {}): DeviceStatus => ({
  signedByItself: true,
  crossSigned: true,
  dehydrated: false,
  ...changes,
});
export const ed25519 = (device: DeviceKeys) => device.keys[`ed25519:${device.device_id}`] ?? "";
export const curve25519 = (device: DeviceKeys) => device.keys[`curve25519:${device.device_id}`] ?? "";
export const withoutEd25519 = (device: DeviceKeys) =>
  bob.device(device.device_id, {
    signedBy: [],
    properties: { keys: { [`curve25519:${device.device_id}`]: curve25519(device) } },
  });
export const pinned = (devices: readonly DeviceKeys[], masterKey?: string): Pins => ({
  devices: new Map(devices.map((device) => [device.device_id, ed25519(device)])),
  ...(masterKey !== undefined && { masterKey }),
});

/** What is pinned, without what is known of how that came about. */
export const keysOf = ({ devices, signed, masterKey, wasVerified, incomplete }: Pins): Pins =>
  makePins({ devices, signed, masterKey, wasVerified, incomplete });

/** The history in a line each, such as `first-seen PHONE`, `shown master` or `accepted self-signing`. */
export const historyOf = ({ history = [] }: Pins): readonly string[] =>
  history.map(({ type, kind, deviceId }) => `${type} ${deviceId ?? kind}`);

/** The status of devices that only their own keys have signed. */
export const SELF_SIGNED = status({ crossSigned: false });
export const UNSIGNED = status({ signedByItself: false, crossSigned: false });

/** The same status for all these devices. */
export const allOf = (devices: readonly DeviceKeys[], one: DeviceStatus): Pick<DeviceList, "deviceStatus"> => ({
  deviceStatus: new Map(devices.map((device) => [device.device_id, one])),
});

/** A verified list of these devices, all of them signed, with Bob's cross-signing keys. */
export const verified = (devices: readonly DeviceKeys[], changes: Partial<DeviceList> = {}): DeviceList => ({
  ...emptyList(5),
  deviceKeys: new Map(devices.map((device) => [device.device_id, device])),
  ...allOf(devices, status()),
  masterKey: bob.masterKey,
  selfSigningKey: bob.selfSigningKey,
  identity: { masterKey: bob.master.publicKey, signedBy: [] },
  ...changes,
});

/** The same, of devices that only their own keys have signed. */
export const selfSigned = (devices: readonly DeviceKeys[], changes: Partial<DeviceList> = {}): DeviceList =>
  verified(devices, { ...allOf(devices, SELF_SIGNED), ...changes });

/** The same, of devices without signatures. */
export const unsigned = (devices: readonly DeviceKeys[], changes: Partial<DeviceList> = {}): DeviceList =>
  verified(devices, { ...allOf(devices, UNSIGNED), ...changes });

/** That another key of a device was accepted, unless the changes say otherwise. */
export const keyEvent = (changes: Partial<KeyEvent> = {}): KeyEvent => ({
  type: "accepted",
  kind: "device",
  key: "new",
  deviceId: "PHONE",
  at: 9,
  ...changes,
});
