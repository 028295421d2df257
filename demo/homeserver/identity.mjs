import { SigningKey } from "./signing-key.mjs";

/** @typedef {import("./signing-key.mjs").Signatures} Signatures */
/** @typedef {{ user_id: string, usage: string[], keys: Record<string, string>, signatures?: Signatures }} KeyJson */

/**
 * A user's cross-signing identity: a master key and the two keys that it signs.
 *
 * Matrix spec, client-server API, "Cross-signing".
 */
export class Identity {
  #userId;
  #selfSigning = new SigningKey();
  #userSigning = new SigningKey();

  constructor(/** @type {string} */ userId) {
    const master = new SigningKey();
    const signed = (/** @type {SigningKey} */ key, /** @type {string} */ usage) =>
      master.sign(keyObject(userId, key, usage), userId, master.text);
    this.#userId = userId;
    /** @type {KeyJson} */
    this.masterKey = keyObject(userId, master, "master");
    this.selfSigningKey = signed(this.#selfSigning, "self_signing");
    this.userSigningKey = signed(this.#userSigning, "user_signing");
  }

  /** The device, signed by this identity. */
  signDevice(/** @type {import("./device.mjs").DeviceJson} */ device) {
    return this.#selfSigning.sign(device, this.#userId, this.#selfSigning.text);
  }

  /** Whether this identity has signed the device. */
  hasSigned(/** @type {import("./device.mjs").DeviceJson} */ { signatures }) {
    return signatures?.[this.#userId]?.[`ed25519:${this.#selfSigning.text}`] !== undefined;
  }

  /** Signs another user's master key, as after comparing it in person. */
  verify(/** @type {Identity} */ other) {
    other.masterKey = this.#userSigning.sign(other.masterKey, this.#userId, this.#userSigning.text);
  }
}

/** @param {string} userId @param {SigningKey} key @param {string} usage @returns {KeyJson} */
function keyObject(userId, key, usage) {
  return { user_id: userId, usage: [usage], keys: { [`ed25519:${key.text}`]: key.text } };
}
