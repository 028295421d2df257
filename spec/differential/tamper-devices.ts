import { otherSpelling } from "./curve25519.js";
import { copy, jsonObject, objectAt, type JsonObject } from "./json.js";
import { signObject } from "./key-pair.js";
import { extraMember, oddCurve25519Key, oddKey, oddSignature, UNIVERSAL, wrongValue } from "./odd-values.js";
import { paths, put, type Placed, type Scene } from "./scene.js";

export type Tampering = (scene: Scene) => void;

const onDevice =
  (tamper: (placed: Placed, scene: Scene) => void): Tampering =>
  (scene) => {
    const placed = scene.device();
    if (placed !== undefined) tamper(placed, scene);
  };
const onTwo =
  (tamper: (one: Placed, other: Placed, scene: Scene) => void): Tampering =>
  (scene) => {
    const placed = scene.devices();
    if (placed !== undefined) tamper(...placed, scene);
  };
/** Signs half of the changed devices again. */
const maybeResign = (scene: Scene, placed: Placed): void => {
  if (scene.random.chance(0.5)) scene.resignDevice(placed);
};

/** Ways to tamper with devices. */
export const DEVICE_TAMPERINGS: Readonly<Record<string, Tampering>> = {
  "field dropped": onDevice((placed, scene) => {
    put(placed.json, scene.random.pick(paths(placed.json)), undefined);
    maybeResign(scene, placed);
  }),
  "field dropped after signing": onDevice(({ json }, { random }) => {
    put(json, random.pick(paths(json)), undefined);
  }),
  "field of the wrong type": onDevice((placed, scene) => {
    const path = scene.random.pick(paths(placed.json));
    const signed = path[0] === "signatures" || path[0] === "unsigned";
    put(placed.json, path, wrongValue(scene.random));
    if (!signed) maybeResign(scene, placed);
  }),
  "device of the wrong type": onDevice(({ person, id }, scene) => {
    scene.devicesOf(person.userId)[id] = wrongValue(scene.random);
  }),
  "field swapped": onTwo((one, other, scene) => {
    const name = scene.random.pick(["user_id", "device_id", "keys", "signatures", "unsigned", "algorithms"]);
    const [a, b] = [one.json[name], other.json[name]];
    put(one.json, [name], b);
    put(other.json, [name], a);
    if (scene.random.chance(0.3)) for (const placed of [one, other]) scene.resignDevice(placed);
  }),
  "devices swapped": onTwo((one, other, scene) => {
    scene.devicesOf(one.person.userId)[one.id] = other.json;
    scene.devicesOf(other.person.userId)[other.id] = one.json;
  }),
  "signed by a stranger": onDevice((placed, scene) => {
    scene.resignDevice(placed, scene.keys.take());
  }),
  "another key, signed by it": onDevice((placed, scene) => {
    const pair = scene.keys.take();
    objectAt(placed.json, "keys")[`ed25519:${placed.id}`] = pair.publicKey;
    scene.resignDevice(placed, pair);
  }),
  "signed by another user's identity": onTwo(({ person, json }, { person: { identity } }) => {
    if (identity !== undefined) signObject(json, person.userId, identity.selfSigning.publicKey, identity.selfSigning);
  }),
  "signed by its owner's master key": onDevice(({ person, json }) => {
    if (person.identity === undefined) return;
    Reflect.deleteProperty(
      objectAt(json, "signatures", person.userId),
      `ed25519:${person.identity.selfSigning.publicKey}`,
    );
    signObject(json, person.userId, person.identity.master.publicKey, person.identity.master);
  }),
  "duplicated under another ID": onDevice((placed, scene) => {
    const twin = copy(placed.json);
    scene.devicesOf(placed.person.userId).TWIN = twin;
    if (scene.random.chance(0.3)) return;
    twin.device_id = "TWIN";
    if (scene.random.chance(0.5)) return;
    const { [`ed25519:${placed.id}`]: ed25519 = "", [`curve25519:${placed.id}`]: curve25519 = "" } = objectAt(
      placed.json,
      "keys",
    );
    twin.keys = jsonObject({ "ed25519:TWIN": ed25519, "curve25519:TWIN": curve25519 });
    if (scene.random.chance(0.7)) scene.resignDevice({ ...placed, json: twin });
  }),
  "moved to another user": onDevice((placed, scene) => {
    const person = scene.person();
    const moved = copy(placed.json);
    scene.devicesOf(person.userId)[placed.id] = moved;
    if (scene.random.chance(0.3)) return;
    moved.user_id = person.userId;
    if (scene.random.chance(0.5)) scene.resignDevice({ ...placed, person, json: moved });
  }),
  "the curve25519 key of another device": onTwo((one, other, scene) => {
    const { [`curve25519:${other.id}`]: key = null } = objectAt(other.json, "keys");
    const respelt = typeof key === "string" && scene.random.chance(0.3) ? otherSpelling(key) : key;
    objectAt(one.json, "keys")[`curve25519:${one.id}`] = respelt;
    scene.resignDevice(one);
  }),
  "odd key": onDevice((placed, scene) => {
    const { ed25519, curve25519 } = placed.device;
    const [algorithm, key] = scene.random.chance(0.5)
      ? ["ed25519", oddKey(ed25519.publicKey, scene.random)]
      : ["curve25519", oddCurve25519Key(curve25519, scene.random)];
    objectAt(placed.json, "keys")[`${algorithm}:${placed.id}`] = key;
    maybeResign(scene, placed);
  }),
  "a key that accepts any message": onDevice((placed, scene) => {
    const { person, id, json, device } = placed;
    objectAt(json, "keys")[`ed25519:${id}`] = UNIVERSAL.publicKey;
    scene.resignDevice(placed);
    objectAt(json, "signatures", person.userId)[`ed25519:${id}`] = UNIVERSAL.signature;
    if (scene.random.chance(0.5)) person.crossSign(json, device);
  }),
  "odd signature": onDevice(({ person, id, json }, { random }) => {
    const signatures = objectAt(json, "signatures", person.userId);
    const name = random.pick(Object.keys(signatures).length === 0 ? [`ed25519:${id}`] : Object.keys(signatures));
    const { [name]: before } = signatures;
    signatures[name] = oddSignature(typeof before === "string" ? before : "", random);
  }),
  "no signatures": onDevice(({ json }, { random }) => {
    if (random.chance(0.5)) json.signatures = jsonObject();
    else delete json.signatures;
  }),
  "foreign signatures": onDevice(({ person, json }, { random, keys }) => {
    const stranger = keys.take();
    const tamper = random.pick<() => void>([
      () => {
        signObject(json, "@eve:example.org", stranger.publicKey, stranger);
      },
      () => {
        signObject(json, person.userId, stranger.publicKey, stranger);
      },
      () => {
        signObject(json, person.userId, "", stranger);
      },
      () => {
        objectAt(json, "signatures", person.userId)["org.example:KEY"] = "signature";
      },
      () => {
        objectAt(json, "signatures", person.userId).nocolon = "signature";
      },
      () => {
        objectAt(json, "signatures")["no user"] = jsonObject({ "ed25519:KEY": "signature" });
      },
      () => {
        objectAt(json, "signatures").__proto__ = jsonObject({ "ed25519:KEY": "signature" });
      },
    ]);
    tamper();
  }),
  "keys of other kinds": onDevice((placed, scene) => {
    const keys = objectAt(placed.json, "keys");
    const [name, key] = scene.random.pick([
      ["org.example:KEY", "anything"],
      ["ed25519:OTHER", scene.keys.take().publicKey],
      ["curve25519:OTHER", placed.device.curve25519],
      ["ed25519:OTHER", "no key"],
      ["nocolon", "anything"],
      ["ed25519", placed.device.ed25519.publicKey],
      ["__proto__", "anything"],
      [`signed_curve25519:${placed.id}`, "anything"],
    ] as const);
    keys[name] = key;
    scene.resignDevice(placed);
  }),
  "an extra property": onDevice((placed, scene) => {
    const [name, value] = extraMember(scene.random);
    placed.json[name] = value;
    if (scene.random.chance(0.8)) scene.resignDevice(placed);
  }),
  "an extra property in unsigned": onDevice(({ json }, { random }) => {
    const [name, value] = extraMember(random);
    json.unsigned = jsonObject({ ...objectAt(json, "unsigned"), [name]: value });
  }),
  "no name or an unusual one": onDevice(({ json }, { random }) => {
    json.unsigned = jsonObject({ device_display_name: random.pick([null, 1, "", "\ud800", "x".repeat(1_000)]) });
  }),
  "dehydrated, or a similar value": onDevice((placed, scene) => {
    placed.json.dehydrated = scene.random.pick([true, false, null, "true", 1]);
    scene.resignDevice(placed);
  }),
  "other algorithms": onDevice((placed, scene) => {
    placed.json.algorithms = scene.random.pick([
      [],
      ["org.example.none"],
      ["m.olm.v1.curve25519-aes-sha2", "m.olm.v1.curve25519-aes-sha2"],
      [""],
    ]);
    scene.resignDevice(placed);
  }),
  "a cross-signing key as its ID": onDevice((placed, scene) => {
    const { person, device } = placed;
    if (person.identity === undefined) return;
    const identity = scene.random.pick([person.identity, person.identity, ...person.formerIdentities]);
    const { master, selfSigning, userSigning } = identity;
    const pair = scene.random.pick([master, selfSigning, userSigning, scene.keys.take()]);
    rename(placed, pair.publicKey, scene);
    scene.resignDevice({ ...placed, device: { ...device, crossSigned: scene.random.chance(0.5) } });
  }),
  "an odd ID": onDevice((placed, scene) => {
    rename(
      placed,
      scene.random.pick([
        "",
        "__proto__",
        "constructor",
        "with:colon",
        "with space",
        "x".repeat(300),
        "\u{1f511}",
        "\ud800",
        "10",
      ]),
      scene,
    );
    scene.resignDevice(placed);
  }),
  "a field twice": onDevice(({ json }, { random, edits }) => {
    const name = random.pick(["user_id", "device_id", "keys", "signatures", "algorithms"]);
    const [id] = Object.keys(json).length === 0 ? [] : [JSON.stringify(json.device_id)];
    const first = random.pick([`"${name}":"first",`, `"${name}":${JSON.stringify(json[name] ?? null)},`]);
    edits.push((text) =>
      text.replace(
        `{"user_id":${JSON.stringify(json.user_id)},"device_id":${id ?? ""},`,
        (found) => `{${first}${found.slice(1)}`,
      ),
    );
  }),
};

/** Gives a device another ID, inside and outside its JSON. */
function rename({ person, id, json, device }: Placed, to: string, scene: Scene): void {
  const devices: JsonObject = scene.devicesOf(person.userId);
  Reflect.deleteProperty(devices, id);
  devices[to] = json;
  json.device_id = to;
  json.keys = jsonObject({ [`ed25519:${to}`]: device.ed25519.publicKey, [`curve25519:${to}`]: device.curve25519 });
}
