import { randomBytes } from "node:crypto";
import { signedDevice } from "./device.mjs";
import { Identity } from "./identity.mjs";
import { firstName } from "./user-id.mjs";

/** @typedef {import("./device.mjs").Device} Device */

/** The names of a user's devices, in the order in which they sign in. */
const DEVICE_NAMES = ["phone", "laptop", "tablet", "work computer", "browser", "old phone", "watch", "television"];

/** A user's devices and identity. Nothing here is announced. */
export class Person {
  #userId;
  #signIns = 0;
  /** @type {Map<string, Device>} */
  devices = new Map();
  /** @type {Identity | undefined} */
  identity;

  constructor(/** @type {string} */ userId) {
    this.#userId = userId;
  }

  /** Creates an identity, and drops what a former one has signed. */
  resetIdentity() {
    const { selfSigningKey } = this.identity ?? {};
    this.identity = new Identity(this.#userId);
    if (selfSigningKey !== undefined)
      for (const device of this.devices.values())
        device.json = withoutSignature(device.json, this.#userId, Object.keys(selfSigningKey.keys));
  }

  signIn() {
    const name = `${firstName(this.#userId)}’s ${DEVICE_NAMES[this.#signIns++ % DEVICE_NAMES.length]}`;
    return this.#add((deviceId) => signedDevice(this.#userId, deviceId, name), false);
  }

  /**
   * Their oldest device gets new keys under the same ID, as a client that was restored without its keys may do, and
   * their identity signs it. Returns its ID; `undefined` if they have no device.
   */
  rekeyDevice() {
    const [deviceId, device] = this.ownDevices[0] ?? [];
    if (deviceId === undefined || device === undefined) return undefined;
    const json = signedDevice(this.#userId, deviceId, device.json.unsigned.device_display_name);
    device.json = this.identity?.signDevice(json) ?? json;
    return deviceId;
  }

  /** Adds a device that is not theirs. */
  plant(/** @type {(deviceId: string) => import("./device.mjs").DeviceJson} */ make) {
    return this.#add(make, true);
  }

  /** Their own devices, the oldest first. */
  get ownDevices() {
    return [...this.devices].filter(([, { planted }]) => !planted);
  }

  /** Their own devices that their identity has not signed. */
  get unsignedDevices() {
    const { identity } = this;
    return identity === undefined ? [] : this.ownDevices.filter(([, { json }]) => !identity.hasSigned(json));
  }

  signDevices() {
    for (const [, device] of this.unsignedDevices) device.json = this.identity?.signDevice(device.json) ?? device.json;
  }

  #add(/** @type {(deviceId: string) => import("./device.mjs").DeviceJson} */ make, /** @type {boolean} */ planted) {
    const deviceId = newDeviceId();
    this.devices.set(deviceId, { json: make(deviceId), planted });
    return deviceId;
  }
}

const newDeviceId = () => Array.from(randomBytes(10), (byte) => String.fromCharCode(65 + (byte % 26))).join("");

/** @param {import("./device.mjs").DeviceJson} device @param {string} userId @param {string[]} keyIds */
function withoutSignature(device, userId, keyIds) {
  const { [userId]: own = {}, ...others } = device.signatures ?? {};
  const kept = Object.entries(own).filter(([keyId]) => !keyIds.includes(keyId));
  return { ...device, signatures: { ...others, [userId]: Object.fromEntries(kept) } };
}
