import { at, isJsonObject, objectAt, type Json, type JsonObject } from "./json.js";
import { signObject, type KeyPair, type KeyRing } from "./key-pair.js";
import type { Device, Person } from "./person.js";
import type { Random } from "../support/random.js";

/** A device in a response, with its private keys. */
export interface Placed {
  readonly person: Person;
  readonly id: string;
  readonly json: JsonObject;
  readonly device: Device;
}

export type Usage = "master" | "self_signing" | "user_signing";
export const USAGES: readonly Usage[] = ["master", "self_signing", "user_signing"];

/** A cross-signing key in a response, with its private key. */
export interface PlacedKey {
  readonly person: Person;
  readonly usage: Usage;
  readonly json: JsonObject;
  readonly pair: KeyPair;
}

/** A response to tamper with, knowing all private keys. */
export class Scene {
  /** Changes to the text of the response. */
  readonly edits: ((text: string) => string)[] = [];

  constructor(
    readonly response: JsonObject,
    readonly people: readonly Person[],
    readonly random: Random,
    readonly keys: KeyRing,
  ) {}

  devicesOf(userId: string): JsonObject {
    return objectAt(this.response, "device_keys", userId);
  }

  person(): Person {
    return this.random.pick(this.people);
  }

  device(of: readonly Person[] = this.people): Placed | undefined {
    const placed: Placed[] = [];
    for (const person of of) {
      for (const [id, json] of Object.entries(this.devicesOf(person.userId))) {
        const device = person.devices.get(id);
        if (device !== undefined && isJsonObject(json)) placed.push({ person, id, json, device });
      }
    }
    return placed.length === 0 ? undefined : this.random.pick(placed);
  }

  /** Two devices, of the same user or not. */
  devices(): readonly [Placed, Placed] | undefined {
    const one = this.device();
    const other = this.device();
    return one === undefined || other === undefined || one.json === other.json ? undefined : [one, other];
  }

  crossSigningKey(usages: readonly Usage[] = USAGES): PlacedKey | undefined {
    const placed = this.people.flatMap((person) =>
      usages.flatMap((usage): PlacedKey[] => {
        const json = at(this.response, `${usage}_keys`, person.userId);
        if (person.identity === undefined || !isJsonObject(json)) return [];
        const { master, selfSigning, userSigning } = person.identity;
        return [{ person, usage, json, pair: { master, self_signing: selfSigning, user_signing: userSigning }[usage] }];
      }),
    );
    return placed.length === 0 ? undefined : this.random.pick(placed);
  }

  /** Signs a changed device again as its owner would. */
  resignDevice(
    { person, json, device }: Pick<Placed, "person" | "json" | "device">,
    by: KeyPair = device.ed25519,
  ): void {
    const id = json.device_id;
    json.signatures = {};
    signObject(json, person.userId, typeof id === "string" ? id : device.id, by);
    person.crossSign(json, device);
  }

  resignKey({ person, usage, json, pair }: PlacedKey): void {
    if (person.identity === undefined) return;
    const { master } = person.identity;
    json.signatures = {};
    if (usage !== "master") signObject(json, person.userId, master.publicKey, master);
    else if (this.random.chance(0.5)) signObject(json, person.userId, master.publicKey, pair);
  }
}

/** All paths in an object, three levels deep; a missing path if it is empty. */
export function paths(object: JsonObject): readonly (readonly string[])[] {
  if (Object.keys(object).length === 0) return [["user_id"]];
  return Object.entries(object).flatMap(([name, value]) => [
    [name],
    ...(isJsonObject(value)
      ? Object.entries(value).flatMap(([inner, item]) => [
          [name, inner],
          ...(isJsonObject(item) ? Object.keys(item).map((leaf) => [name, inner, leaf]) : []),
        ])
      : []),
  ]);
}

export function put(object: JsonObject, path: readonly string[], value: Json | undefined): void {
  const last = path.at(-1);
  const parent = path.length < 2 ? object : at(object, ...path.slice(0, -1));
  if (last === undefined || !isJsonObject(parent)) return;
  if (value === undefined) Reflect.deleteProperty(parent, last);
  else parent[last] = value;
}
