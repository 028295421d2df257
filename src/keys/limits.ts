import type { DeviceId } from "../model/ids.js";

/*
 * Limits on what one user can make us process and store. The Matrix spec has none, so these are ours: far above what
 * honest accounts have (a device is about 700 characters of JSON; bots and bridges reach a few hundred devices), and
 * low enough that another account cannot fill our memory or disk.
 */

/** Well-formed devices of one user; further ones are refused as `too-many-devices`. */
export const MAX_DEVICES_PER_USER = 5_000;
/** Devices of one user that are looked at, well-formed or not; further ones are refused as `too-many-devices`. */
export const MAX_LISTED_DEVICES_PER_USER = 20_000;
/** Characters of JSON in one device or cross-signing key: the number of bytes that the spec allows in an event. */
export const MAX_DEVICE_LENGTH = 65_536;
/** Characters of JSON in all devices of one user together; further devices are refused as `too-large`. */
export const MAX_LIST_LENGTH = 8_388_608;
/**
 * Device IDs of one user with pinned keys. Pins outlive their devices, so this limits what one user can put on our
 * disk: the oldest pins of devices that are gone are dropped for new ones. Pins of devices that are not gone are never
 * dropped.
 */
export const MAX_PINNED_DEVICES_PER_USER = 10_000;
/**
 * Devices of one user that are checked as claimants of one key. Two are enough to attribute the key to no device, and a
 * user can create any number of self-signed devices that claim another user's key.
 */
export const MAX_CLAIMS_OF_ONE_KEY = 8;
/** Users that are checked as claimants of one key, unless they have fewer than two claimants. */
export const MAX_USERS_OF_ONE_KEY = 16;
/** Signatures by our own user on one master key that are verified. An account has one user-signing key at a time. */
export const MAX_MASTER_KEY_SIGNATURES = 8;
/** Events in the history of one user's keys. */
export const MAX_KEY_EVENTS_PER_USER = 200;
/** Keys that are remembered as replaced, for one device or one user's master key. */
export const MAX_RETIRED_KEYS = 32;
/** Devices of one user with remembered replaced keys: only their owner can replace keys. */
export const MAX_DEVICES_WITH_RETIRED_KEYS = 500;
/** Devices of one user that are remembered as forgotten by a person. */
export const MAX_FORGOTTEN_DEVICES = 256;
/** Public keys of one user's past and present cross-signing keys that no device ID may equal. */
export const MAX_CROSS_SIGNING_KEYS = 64;
/** Nesting depth of one device. Honest devices have three levels. */
export const MAX_DEVICE_DEPTH = 32;
/** Refused devices of one user that are listed: refusals must not fill the memory that the limits above protect. */
export const MAX_REJECTED_PER_USER = 1_000;
/** Characters of a device ID. A device with a longer ID is refused, and listed under this many characters of it. */
export const MAX_REJECTED_ID_LENGTH = 255;

/** Shortens a device ID as refusals list it. */
export const shortId = (deviceId: DeviceId): DeviceId => deviceId.slice(0, MAX_REJECTED_ID_LENGTH);
