import type { DeviceId } from "../model/ids.js";
import { withoutDevices, type DeviceList } from "../trust/device-list.js";
import { acknowledged } from "../trust/identity.js";
import { forget, hasMasterKeySince, makePins, repin, repinMasterKey, unverified, type Pins } from "../trust/pins.js";

/** What a person's decision changes of what is known of a user. */
export interface UserEdit {
  readonly pins: (pins: Pins, commit: number) => Pins;
  /** Edits the last list, saved or in memory. @param pins the pins after the edit, if known */
  readonly list?: (list: DeviceList, pins: Pins | undefined) => DeviceList;
  /** The device to forget. */
  readonly forgets?: DeviceId;
}

/**
 * Pins this ed25519 key for a device. The list keeps the device as it was: the next answer is compared with the new
 * pin.
 */
export const acknowledgingDevice = (deviceId: DeviceId, ed25519Key: string, at: number): UserEdit => ({
  pins: (pins) => repin(pins, deviceId, ed25519Key, at),
});

export const forgettingDevice = (deviceId: DeviceId, at: number): UserEdit => ({
  forgets: deviceId,
  pins: (pins, commit) => forget(pins, deviceId, at, commit),
  list: (list) => withoutDevices(list, new Set([deviceId])),
});

/**
 * Forgets that the user was verified, and what was derived from it.
 * @param ourKey our user-signing key: if it has signed the identity, its signature counts again
 */
export const withdrawingVerification = (ourKey: string | undefined): UserEdit => ({
  pins: (pins) => makePins({ ...unverified(pins), wasVerified: undefined, withdrawn: true }),
  list: (list) => {
    const { wasVerified: _, ...identity } = list.identity;
    return { ...list, identity: { ...identity, signedBy: identity.signedBy.filter((key) => key === ourKey) } };
  },
});

/** The user has no identity, unless one has been seen since: the decision may have waited for the store. */
export const acknowledgingNoIdentity = (at: number): UserEdit => ({
  pins: (pins) => (hasMasterKeySince(pins, at) ? pins : repinMasterKey(pins, undefined, "acknowledged", at)),
  list: (list, pins) =>
    pins?.masterKey === undefined ? { ...list, identity: acknowledged(list.identity, undefined, false) } : list,
});
