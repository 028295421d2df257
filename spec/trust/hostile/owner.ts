import type { DeviceId } from "../../../src/model/ids.js";
import type { CrossSigningKey, DeviceKeys } from "../../../src/model/wire.js";
import { crossSigningKey, keyPair, signed, signedAccount, type KeyPair } from "../../support/signed-account.js";
import { ALICE, BOB } from "../../support/users.js";

/** Our own account, whose user-signing key signs the master keys that a person has verified. */
export const ours = signedAccount(ALICE);

interface OwnDevice {
  readonly key: KeyPair;
  readonly curve25519: string;
}

const keys = new Map<string, KeyPair>();

/** Making a key takes longer than everything else. */
function keyOf(name: string): KeyPair {
  const key = keys.get(name) ?? keyPair(name);
  keys.set(name, key);
  return key;
}

/** The only device that Bob never signs. */
export const UNVERIFIED: DeviceId = "WATCH";

/** What Bob really has, and everything that he ever published: a server can show it again. */
export class Owner {
  readonly devices = new Map<DeviceId, OwnDevice>();
  readonly published: {
    readonly devices: DeviceKeys[];
    readonly masters: CrossSigningKey[];
    readonly selfSigning: CrossSigningKey[];
  } = {
    devices: [],
    masters: [],
    selfSigning: [],
  };
  /** Master keys that a person has verified: our user-signing key has signed them. */
  readonly verified = new Set<string>();
  #generation = 0;
  #master: KeyPair = this.#newKey("master");
  #selfSigning: KeyPair = this.#newKey("self-signing");

  constructor() {
    this.addDevice("PHONE");
    this.addDevice("TABLET");
    this.addDevice(UNVERIFIED);
  }

  get masterKey(): string {
    return this.#master.publicKey;
  }

  addDevice(deviceId: DeviceId): void {
    const key = this.#newKey(deviceId);
    this.devices.set(deviceId, {
      key,
      curve25519:
        signedAccount(BOB).device(`${deviceId}${this.#generation}`).keys[`curve25519:${deviceId}${this.#generation}`] ??
        "",
    });
  }

  removeDevice(deviceId: DeviceId): void {
    this.devices.delete(deviceId);
  }

  rotate(): void {
    this.#selfSigning = this.#newKey("self-signing");
  }

  reset(): void {
    this.#master = this.#newKey("master");
    this.rotate();
  }

  /** A person compares the keys. */
  verify(): void {
    this.verified.add(this.masterKey);
  }

  /** Whether a device with these keys was ever Bob's. */
  made(deviceId: DeviceId, { keys }: DeviceKeys): boolean {
    return this.published.devices.some(
      (device) =>
        device.device_id === deviceId &&
        ["ed25519", "curve25519"].every((algorithm) => {
          const id = `${algorithm}:${deviceId}`;
          return device.keys[id] === keys[id];
        }),
    );
  }

  madeMaster(key: string): boolean {
    return this.published.masters.some(({ keys }) => key in keys || `ed25519:${key}` in keys);
  }

  /** What an honest server answers now. */
  publish() {
    const master = crossSigningKey(BOB, "master", this.#master);
    const masterKey = this.verified.has(this.masterKey) ? signed(master, ALICE, ours.userSigning) : master;
    const selfSigningKey = signed(crossSigningKey(BOB, "self_signing", this.#selfSigning), BOB, this.#master);
    const devices = Array.from(this.devices, ([deviceId, { key, curve25519 }]) =>
      deviceId === UNVERIFIED
        ? deviceObject(deviceId, key, curve25519)
        : signed(deviceObject(deviceId, key, curve25519), BOB, this.#selfSigning),
    );
    this.published.devices.push(...devices);
    this.published.masters.push(masterKey);
    this.published.selfSigning.push(selfSigningKey);
    return { masterKey, selfSigningKey, devices };
  }

  #newKey(name: string): KeyPair {
    return keyOf(`bob ${name} ${this.#generation++}`);
  }
}

/** A device of Bob's that has signed itself. */
export function deviceObject(deviceId: DeviceId, key: KeyPair, curve25519: string): DeviceKeys {
  return signed(unsignedObject(deviceId, key.publicKey, curve25519), BOB, key, deviceId);
}

export const unsignedObject = (deviceId: DeviceId, ed25519: string, curve25519: string): DeviceKeys => ({
  user_id: BOB,
  device_id: deviceId,
  algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
  keys: { [`curve25519:${deviceId}`]: curve25519, [`ed25519:${deviceId}`]: ed25519 },
});
