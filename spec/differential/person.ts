import { jsonObject, type JsonObject } from "./json.js";
import { signObject, unpadded, type KeyPair, type KeyRing } from "./key-pair.js";
import type { Random } from "../support/random.js";

export const ME = "@me:example.org";
/** The querying device. It is not compared, because the machine knows its own keys and the tracker does not. */
export const MY_DEVICE = "ASKING";
export const USER_IDS = [ME, "@bob:example.org", "@carol:other.example"] as const;

export interface Device {
  readonly id: string;
  readonly ed25519: KeyPair;
  curve25519: string;
  name: string | undefined;
  signedByItself: boolean;
  crossSigned: boolean;
  dehydrated: boolean;
}

export interface Identity {
  readonly master: KeyPair;
  selfSigning: KeyPair;
  userSigning: KeyPair;
}

/** An account and its devices, as an honest server would list them. */
export class Person {
  readonly userId: string;
  readonly devices = new Map<string, Device>();
  /** Deleted devices, which may come back. */
  readonly gone: Device[] = [];
  /** Devices as they were with other keys. */
  readonly former: Device[] = [];
  identity: Identity | undefined;
  readonly formerIdentities: Identity[] = [];
  readonly #random: Random;
  readonly #keys: KeyRing;

  constructor(userId: string, random: Random, keys: KeyRing) {
    this.userId = userId;
    this.#random = random;
    this.#keys = keys;
    if (random.chance(0.75)) this.identity = this.newIdentity();
    for (let count = random.below(5); count > 0; count--) this.addDevice();
  }

  newIdentity(): Identity {
    return { master: this.#keys.take(), selfSigning: this.#keys.take(), userSigning: this.#keys.take() };
  }

  #curve25519(): string {
    const bytes = this.#random.bytes(32);
    bytes[31] = (bytes[31] ?? 0) & 0x7f;
    return unpadded(bytes);
  }

  addDevice(
    id = `D${this.#random
      .below(36 ** 4)
      .toString(36)
      .toUpperCase()}`,
  ): void {
    this.devices.set(id, {
      id,
      ed25519: this.#keys.take(),
      curve25519: this.#curve25519(),
      name: this.#random.chance(0.8) ? "phone" : undefined,
      signedByItself: this.#random.chance(0.95),
      crossSigned: this.#random.chance(0.7),
      dehydrated: this.#random.chance(0.05),
    });
  }

  /** Does something at random that users do. */
  live(): void {
    const device = this.devices.size === 0 ? undefined : this.#random.pick([...this.devices.values()]);
    if (this.identity !== undefined) this.formerIdentities.push(this.identity);
    switch (this.#random.below(11)) {
      case 0:
        this.addDevice();
        break;
      case 1:
        if (device !== undefined && this.devices.delete(device.id)) this.gone.push(device);
        break;
      case 2: {
        const back = this.gone.pop();
        if (back !== undefined) this.devices.set(back.id, back);
        break;
      }
      case 3: {
        const back = this.gone.pop();
        if (back !== undefined) this.addDevice(back.id); // with other keys
        break;
      }
      case 4:
        if (device !== undefined) this.#rekey(device);
        break;
      case 5:
        if (device !== undefined) device.name = this.#random.pick(["laptop", undefined]);
        break;
      case 6:
        if (device !== undefined) device.crossSigned = !device.crossSigned;
        break;
      case 7:
        this.identity = this.newIdentity();
        if (this.#random.chance(0.5))
          for (const each of this.devices.values()) each.crossSigned = this.#random.chance(0.5);
        break;
      case 8:
        if (this.identity === undefined) this.identity = this.newIdentity();
        else if (this.#random.chance(0.5)) this.identity = undefined;
        else this.identity = { ...this.identity, selfSigning: this.#keys.take(), userSigning: this.#keys.take() };
        break;
      case 9: {
        const former = this.former.pop();
        if (former !== undefined) this.devices.set(former.id, former);
        else if (device !== undefined) this.#rekey(device);
        break;
      }
      default:
        if (device !== undefined) device.curve25519 = this.#curve25519();
    }
  }

  /** The device gets other keys and keeps its ID. */
  #rekey(device: Device): void {
    this.former.push(device);
    this.addDevice(device.id);
  }

  deviceJson(device: Device): JsonObject {
    const { id, ed25519, curve25519, name, signedByItself, dehydrated } = device;
    const json = jsonObject({
      user_id: this.userId,
      device_id: id,
      algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
      keys: jsonObject({ [`ed25519:${id}`]: ed25519.publicKey, [`curve25519:${id}`]: curve25519 }),
    });
    if (dehydrated) json.dehydrated = true;
    json.signatures = jsonObject();
    if (name !== undefined) json.unsigned = jsonObject({ device_display_name: name });
    if (signedByItself) signObject(json, this.userId, id, ed25519);
    this.crossSign(json, device);
    return json;
  }

  /** Signs the device with the identity if there is one and the device was verified. */
  crossSign(json: JsonObject, { crossSigned }: Device): void {
    if (crossSigned && this.identity !== undefined)
      signObject(json, this.userId, this.identity.selfSigning.publicKey, this.identity.selfSigning);
  }

  crossSigningJson(
    usage: "master" | "self_signing" | "user_signing",
    { master, selfSigning, userSigning }: Identity,
  ): JsonObject {
    const pair = { master, self_signing: selfSigning, user_signing: userSigning }[usage];
    const json = jsonObject({
      user_id: this.userId,
      usage: [usage],
      keys: jsonObject({ [`ed25519:${pair.publicKey}`]: pair.publicKey }),
    });
    if (usage !== "master") signObject(json, this.userId, master.publicKey, master);
    else
      for (const device of this.devices.values())
        if (device.crossSigned) signObject(json, this.userId, device.id, device.ed25519);
    return json;
  }
}

/** The response of an honest server. */
export function honestResponse(people: readonly Person[]): JsonObject {
  const response = jsonObject({
    device_keys: jsonObject(),
    failures: jsonObject(),
    master_keys: jsonObject(),
    self_signing_keys: jsonObject(),
    user_signing_keys: jsonObject(),
  });
  for (const person of people) {
    (response.device_keys as JsonObject)[person.userId] = jsonObject(
      Object.fromEntries(Array.from(person.devices.values(), (device) => [device.id, person.deviceJson(device)])),
    );
    if (person.identity === undefined) continue;
    (response.master_keys as JsonObject)[person.userId] = person.crossSigningJson("master", person.identity);
    (response.self_signing_keys as JsonObject)[person.userId] = person.crossSigningJson(
      "self_signing",
      person.identity,
    );
    if (person.userId === ME)
      (response.user_signing_keys as JsonObject)[person.userId] = person.crossSigningJson(
        "user_signing",
        person.identity,
      );
  }
  return response;
}
