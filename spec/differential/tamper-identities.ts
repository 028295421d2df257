import { jsonObject, objectAt, type JsonObject } from "./json.js";
import { signObject } from "./key-pair.js";
import { extraMember, oddKey, oddSignature, wrongValue } from "./odd-values.js";
import { paths, put, USAGES, type PlacedKey, type Scene, type Usage } from "./scene.js";
import type { Tampering } from "./tamper-devices.js";

const onKey =
  (tamper: (placed: PlacedKey, scene: Scene) => void, usages: readonly Usage[] = USAGES): Tampering =>
  (scene) => {
    const placed = scene.crossSigningKey(usages);
    if (placed !== undefined) tamper(placed, scene);
  };
const section = ({ response }: Scene, usage: Usage): JsonObject => objectAt(response, `${usage}_keys`);
const maybeResign = (scene: Scene, placed: PlacedKey): void => {
  if (scene.random.chance(0.6)) scene.resignKey(placed);
};

/** Ways to tamper with cross-signing keys. */
export const IDENTITY_TAMPERINGS: Readonly<Record<string, Tampering>> = {
  "cross-signing key dropped": onKey(({ person, usage }, scene) => {
    Reflect.deleteProperty(section(scene, usage), person.userId);
  }),
  "field of a cross-signing key dropped": onKey((placed, scene) => {
    put(placed.json, scene.random.pick(paths(placed.json)), undefined);
    maybeResign(scene, placed);
  }),
  "field of a cross-signing key of the wrong type": onKey((placed, scene) => {
    const path = scene.random.pick(paths(placed.json));
    put(placed.json, path, wrongValue(scene.random));
    if (path[0] !== "signatures") maybeResign(scene, placed);
  }),
  "cross-signing key of the wrong type": onKey(({ person, usage }, scene) => {
    section(scene, usage)[person.userId] = wrongValue(scene.random);
  }),
  "usage changed": onKey((placed, scene) => {
    const other = scene.random.pick(USAGES);
    placed.json.usage = scene.random.pick([
      [other],
      [placed.usage, other],
      [other, placed.usage],
      [],
      [placed.usage, "org.example.usage"],
      [placed.usage, placed.usage],
      ["org.example.usage"],
    ]);
    maybeResign(scene, placed);
  }),
  "two keys in one": onKey((placed, scene) => {
    const { json, pair } = placed;
    const [name, key] = scene.random.pick([
      [`ed25519:${scene.keys.take().publicKey}`, pair.publicKey],
      ["org.example:KEY", "anything"],
      ["ed25519:00", scene.keys.take().publicKey],
    ] as const);
    json.keys = scene.random.chance(0.5)
      ? jsonObject({ [name]: key, ...objectAt(json, "keys") })
      : jsonObject({ ...objectAt(json, "keys"), [name]: key });
    maybeResign(scene, placed);
  }),
  "another ID than the key": onKey((placed, scene) => {
    const { json, pair } = placed;
    const id = scene.random.pick([scene.keys.take().publicKey, "KEY", "", ...placed.person.devices.keys()]);
    json.keys = jsonObject({ [`${scene.random.pick(["ed25519", "ed25519", "org.example"])}:${id}`]: pair.publicKey });
    maybeResign(scene, placed);
  }),
  "another user's cross-signing key": onKey((placed, scene) => {
    const other = scene.crossSigningKey([placed.usage]);
    if (other === undefined) return;
    section(scene, placed.usage)[placed.person.userId] = other.json;
    if (scene.random.chance(0.5)) section(scene, placed.usage)[other.person.userId] = placed.json;
  }),
  "another user_id in a cross-signing key": onKey((placed, scene) => {
    placed.json.user_id = scene.random.pick([
      "@eve:example.org",
      "no user",
      ...scene.people.map(({ userId }) => userId),
    ]);
    maybeResign(scene, placed);
  }),
  "cross-signing key signed by a stranger": onKey(({ person, json }, { keys, random }) => {
    const stranger = keys.take();
    const { identity } = person;
    json.signatures = jsonObject();
    signObject(
      json,
      person.userId,
      random.chance(0.5) && identity !== undefined ? identity.master.publicKey : stranger.publicKey,
      stranger,
    );
  }),
  "unsigned cross-signing key": onKey(({ json }, { random }) => {
    if (random.chance(0.5)) json.signatures = jsonObject();
    else delete json.signatures;
  }),
  "odd signature on a cross-signing key": onKey(({ person, json }, { random }) => {
    const signatures = objectAt(json, "signatures", person.userId);
    const names = Object.keys(signatures);
    if (names.length === 0) return;
    const name = random.pick(names);
    const { [name]: before } = signatures;
    signatures[name] = oddSignature(typeof before === "string" ? before : "", random);
  }),
  "odd cross-signing key": onKey((placed, scene) => {
    const key = oddKey(placed.pair.publicKey, scene.random);
    placed.json.keys = jsonObject({ [`ed25519:${scene.random.chance(0.5) ? key : placed.pair.publicKey}`]: key });
    maybeResign(scene, placed);
  }),
  "keys of two usages swapped": onKey((placed, scene) => {
    const [one, other] = [scene.random.pick(USAGES), scene.random.pick(USAGES)];
    const { userId } = placed.person;
    const [a, b] = [section(scene, one)[userId], section(scene, other)[userId]];
    put(section(scene, one), [userId], b);
    put(section(scene, other), [userId], a);
  }),
  "one key for two usages": onKey(
    (placed, scene) => {
      if (placed.person.identity === undefined) return;
      const { publicKey } = placed.person.identity.master;
      placed.json.keys = jsonObject({ [`ed25519:${publicKey}`]: publicKey });
      maybeResign(scene, placed);
    },
    ["self_signing", "user_signing"],
  ),
  "an extra property in a cross-signing key": onKey((placed, scene) => {
    const [name, value] = extraMember(scene.random);
    placed.json[name] = value;
    if (scene.random.chance(0.8)) scene.resignKey(placed);
  }),
  "an unsigned property in a cross-signing key": onKey(({ json }, { random }) => {
    const [name, value] = extraMember(random);
    json.unsigned = jsonObject({ [name]: value });
  }),
  "our signature": (scene) => {
    const me = scene.people.find(({ userId }) => userId === "@me:example.org");
    const placed = scene.crossSigningKey(["master"]);
    if (me?.identity === undefined || placed === undefined) return;
    signObject(placed.json, me.userId, me.identity.userSigning.publicKey, me.identity.userSigning);
  },
};
