import type { DeviceId } from "../model/ids.js";

/*
 * Limits on what one user can make us process and store. The Matrix spec has none, so these are ours: far above what
 * honest accounts have (a device is about 700 characters of JSON; bots and bridges reach a few hundred devices), and
 * low enough that another account cannot fill our memory or disk.
 */

/** Well-formed devices of one user; any more are refused as `too-many-devices`. */
export const MAX_DEVICES_PER_USER = 5_000;
/** Devices of one user that are looked at, well-formed or not; any more are refused as `too-many-devices`. */
export const MAX_LISTED_DEVICES_PER_USER = 20_000;
/** Characters of JSON in one device or cross-signing key: as many as the spec allows bytes in an event. */
export const MAX_DEVICE_LENGTH = 65_536;
/** Characters of JSON in all devices of one user together; any more devices are refused as `too-large`. */
export const MAX_LIST_LENGTH = 8_388_608;
/**
 * Device IDs of one user with pinned keys. Pins outlive their devices, so this limits what one user can put on our
 * disk: the oldest pins of devices that are gone make room for new ones. There is always room for those that are not
 * gone.
 */
export const MAX_PINNED_DEVICES_PER_USER = 10_000;
/**
 * Devices of one user that are looked at as claimants of one key. Two are enough to attribute the key to none of them,
 * and with their own signatures, a user can have any number of devices that claim another user's key.
 */
export const MAX_CLAIMS_OF_ONE_KEY = 8;
/** Users who are looked at as claimants of one key, unless fewer than two claimants are found among them. */
export const MAX_USERS_OF_ONE_KEY = 16;
/** Signatures by our own user on one master key that are verified. An account has one user-signing key at a time. */
export const MAX_MASTER_KEY_SIGNATURES = 8;
/** Events in the history of one user's keys. */
export const MAX_KEY_EVENTS_PER_USER = 200;
/** Keys that are remembered as replaced, of one device or as one user's master key. */
export const MAX_RETIRED_KEYS = 32;
/** Devices of one user whose replaced keys are remembered: only their owner can replace keys. */
export const MAX_DEVICES_WITH_RETIRED_KEYS = 500;
/** Devices of one user of which it is remembered when a person forgot them. */
export const MAX_FORGOTTEN_DEVICES = 256;
/** Public keys of one user's cross-signing keys that no device ID may equal, former ones included. */
export const MAX_CROSS_SIGNING_KEYS = 64;
/** How deep objects and arrays in one device may be nested. Honest devices have three levels. */
export const MAX_DEVICE_DEPTH = 32;
/**
 * Refused devices of one user that are listed, so that refusals cannot fill the memory that the limits above protect.
 */
export const MAX_REJECTED_PER_USER = 1_000;
/** Characters of a device ID. A device with a longer ID is refused, and listed under this many characters of it. */
export const MAX_REJECTED_ID_LENGTH = 255;

/** A device ID as refusals list it. */
export const shortId = (deviceId: DeviceId): DeviceId => deviceId.slice(0, MAX_REJECTED_ID_LENGTH);
