import { jsonObject, type JsonObject } from "./json.js";
import { signObject, unpadded, type KeyPair, type KeyRing } from "./key-pair.js";
import { MY_DEVICE, type Identity } from "./person.js";
import type { Random } from "../support/random.js";

/**
 * - `signed`: cross-signed by its owner, as all others but the `legacy` ones
 * - `legacy`: signed by itself only
 * - `no-olm`: does not list Olm among its algorithms
 * - `no-key`: has no curve25519 key
 */
export type DeviceKind = "signed" | "legacy" | "dehydrated" | "dehydrated-legacy" | "no-olm" | "no-key";

export interface RoomDevice {
  readonly id: string;
  readonly kind: DeviceKind;
  readonly ed25519: KeyPair;
  curve25519: string;
}

/** A user who is in a room or not, with an identity and devices that all responses can be made of. */
export class RoomPerson {
  readonly userId: string;
  readonly devices = new Map<string, RoomDevice>();
  identity: Identity;
  /** Whether we have signed the master key. */
  isVerified = false;
  /** The device that sends, as its own machine has uploaded it. */
  sendingDevice: JsonObject | undefined;
  readonly #random: Random;
  readonly #keys: KeyRing;
  #count = 0;

  constructor(userId: string, random: Random, keys: KeyRing) {
    this.userId = userId;
    this.#random = random;
    this.#keys = keys;
    this.identity = this.#newIdentity();
  }

  get masterKey(): string {
    return this.identity.master.publicKey;
  }

  addDevice(kind: DeviceKind): void {
    const id = `${this.userId.slice(1, this.userId.indexOf(":")).toUpperCase()}${++this.#count}`;
    this.devices.set(id, { id, kind, ed25519: this.#keys.take(), curve25519: this.newCurve25519() });
  }

  /** Devices stay, and are signed by the new identity. */
  resetIdentity(): void {
    this.identity = this.#newIdentity();
    this.isVerified = false;
  }

  newCurve25519(): string {
    const bytes = this.#random.bytes(32);
    bytes[31] = (bytes[31] ?? 0) & 0x7f;
    return unpadded(bytes);
  }

  /** Adds the user's part to a response of `/keys/query`. */
  addTo(response: Readonly<Record<"devices" | "master" | "selfSigning", JsonObject>>): void {
    const devices = Array.from(this.devices.values(), (device) => [device.id, this.#deviceJson(device)] as const);
    const sending = this.sendingDevice === undefined ? [] : [[MY_DEVICE, this.sendingDevice] as const];
    response.devices[this.userId] = jsonObject(Object.fromEntries([...devices, ...sending]));
    response.master[this.userId] = this.crossSigningJson("master");
    response.selfSigning[this.userId] = this.crossSigningJson("self_signing");
  }

  crossSigningJson(usage: "master" | "self_signing" | "user_signing"): JsonObject {
    const { master, selfSigning, userSigning } = this.identity;
    const { publicKey } = { master, self_signing: selfSigning, user_signing: userSigning }[usage];
    const keys = jsonObject({ [`ed25519:${publicKey}`]: publicKey });
    const json = jsonObject({ user_id: this.userId, usage: [usage], keys });
    if (usage !== "master") signObject(json, this.userId, master.publicKey, master);
    return json;
  }

  crossSign(json: JsonObject): void {
    const { selfSigning } = this.identity;
    signObject(json, this.userId, selfSigning.publicKey, selfSigning);
  }

  /** A claimed one-time key. Its private key does not exist: what is encrypted with it is never decrypted. */
  oneTimeKey(deviceId: string): JsonObject | undefined {
    const device = this.devices.get(deviceId);
    if (device === undefined) return undefined;
    const key = jsonObject({ key: this.newCurve25519() });
    signObject(key, this.userId, deviceId, device.ed25519);
    return jsonObject({ "signed_curve25519:AAAAAQ": key });
  }

  #newIdentity(): Identity {
    return { master: this.#keys.take(), selfSigning: this.#keys.take(), userSigning: this.#keys.take() };
  }

  #deviceJson({ id, kind, ed25519, curve25519 }: RoomDevice): JsonObject {
    const olm = kind === "no-olm" ? [] : ["m.olm.v1.curve25519-aes-sha2"];
    const keys = jsonObject({ [`ed25519:${id}`]: ed25519.publicKey });
    if (kind !== "no-key") keys[`curve25519:${id}`] = curve25519;
    const algorithms = [...olm, "m.megolm.v1.aes-sha2"];
    const json = jsonObject({ user_id: this.userId, device_id: id, algorithms, keys });
    if (kind.startsWith("dehydrated")) json.dehydrated = true;
    signObject(json, this.userId, id, ed25519);
    if (isCrossSigned(kind)) this.crossSign(json);
    return json;
  }
}

export const isCrossSigned = (kind: DeviceKind): boolean => !kind.endsWith("legacy");
