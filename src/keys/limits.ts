import type { DeviceId } from "../model/ids.js";

/*
 * What one user may send us. The Matrix spec gives no limits here, so these are ours: far above what honest accounts have
 * (a device is about 700 characters of JSON; bots and bridges reach some hundred devices), and low enough that nobody else's
 * account can fill our memory or disk.
 */

/** Devices of one user that are looked at; those after them are refused as `too-many-devices`. */
export const MAX_DEVICES_PER_USER = 2_000;
/** Characters of JSON in one device or cross-signing key: as many as the spec allows an event to have bytes. */
export const MAX_DEVICE_LENGTH = 65_536;
/** Characters of JSON in all devices of one user together; those after them are refused as `too-large`. */
export const MAX_LIST_LENGTH = 4_194_304;
/** Device IDs of one user whose keys are pinned; a device beyond them is refused. Pins are kept for ever, so this is what one user may put on our disk; bots reach some hundred in years. */
export const MAX_PINNED_DEVICES_PER_USER = 10_000;
/**
 * Devices of one user that are remembered to claim one key: two are enough for it to be attributed to nobody, and every claim is looked at whenever one is added. Devices with one ed25519 key
 * need no signature by it, so that without a limit a list of them would hold the page up for seconds.
 */
export const MAX_CLAIMS_OF_ONE_KEY = 8;
/** Signatures in our name on one master key that are looked at; an account has one user-signing key at a time. */
export const MAX_MASTER_KEY_SIGNATURES = 8;
/** How deep objects and arrays in one device may nest; honest ones nest three deep. */
export const MAX_DEVICE_DEPTH = 32;
/** Refused devices of one user that are named, so that refusals cannot fill what the limits above keep clear. */
export const MAX_REJECTED_PER_USER = 1_000;
/** Characters of a device's ID; a device of a longer one is refused, and named by as many of them. */
export const MAX_REJECTED_ID_LENGTH = 255;

/** A device ID as refusals name it. */
export const shortId = (deviceId: DeviceId): DeviceId => deviceId.slice(0, MAX_REJECTED_ID_LENGTH);
