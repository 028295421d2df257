import { newCurve25519, SigningKey } from "./signing-key.mjs";

/** @typedef {import("./signing-key.mjs").Signatures} Signatures */
/**
 * @typedef {object} DeviceJson as `/keys/query` returns it
 * @property {string} user_id
 * @property {string} device_id
 * @property {string[]} algorithms
 * @property {Record<string, string>} keys
 * @property {Signatures} [signatures]
 * @property {{ device_display_name: string }} unsigned
 */
/**
 * @typedef {object} Device
 * @property {DeviceJson} json
 * @property {boolean} planted whether a dishonest server added it
 */

/**
 * A device without signatures: two public keys.
 *
 * @param {string} userId
 * @param {string} deviceId
 * @param {string} displayName
 * @param {SigningKey} key its ed25519 key
 * @param {string} [curve25519]
 * @returns {DeviceJson}
 */
export function unsignedDevice(userId, deviceId, displayName, key, curve25519 = newCurve25519()) {
  return {
    user_id: userId,
    device_id: deviceId,
    algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
    keys: { [`curve25519:${deviceId}`]: curve25519, [`ed25519:${deviceId}`]: key.text },
    // A homeserver adds `unsigned` afterwards, which is why signatures do not cover it.
    unsigned: { device_display_name: displayName },
  };
}

/**
 * A device as a real client uploads it: signed by the device itself.
 *
 * @param {string} userId
 * @param {string} deviceId
 * @param {string} displayName
 * @param {string} [curve25519]
 */
export function signedDevice(userId, deviceId, displayName, curve25519) {
  const key = new SigningKey();
  return key.sign(unsignedDevice(userId, deviceId, displayName, key, curve25519), userId, deviceId);
}
