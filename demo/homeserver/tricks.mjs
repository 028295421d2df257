import { signedDevice, unsignedDevice } from "./device.mjs";
import { Identity } from "./identity.mjs";
import { MatrixRefusal } from "./matrix-refusal.mjs";
import { SigningKey } from "./signing-key.mjs";
import { ALICE, BOB, CAROL } from "./kitchen.mjs";

/** @typedef {import("./world.mjs").World} World */

/**
 * What a dishonest server can return: it has no user's private keys, but can make keys of its own.
 *
 * Each function plays a trick and returns a function that takes it back.
 *
 * @type {Record<string, (world: World) => () => void>}
 */
const TRICKS = {
  /** Other keys under the ID of Bob's first device: messages encrypted for them go to someone else. */
  "swap-key": (world) => {
    const { devices } = world.person(BOB);
    const [deviceId, device] = firstDevice(world, BOB);
    const { device_display_name: name } = device.json.unsigned;
    devices.set(deviceId, { json: signedDevice(BOB, deviceId, name), planted: true });
    world.changed(BOB);
    return () => {
      if (devices.has(deviceId)) devices.set(deviceId, device);
      world.changed(BOB);
    };
  },

  /** A device of Bob's, signed with a key that is not its own. */
  "forge-signature": (world) =>
    world.plant(BOB, (deviceId) =>
      new SigningKey().sign(unsignedDevice(BOB, deviceId, "Bob’s new phone", new SigningKey()), BOB, deviceId),
    ),

  /** A device of Bob's without a signature. */
  "unsigned-device": (world) =>
    world.plant(BOB, (deviceId) => unsignedDevice(BOB, deviceId, "Bob’s e-reader", new SigningKey())),

  /** A device of Bob's that claims Carol's curve25519 key, so that her messages could be taken for his. */
  "claim-key": (world) => {
    const [carolsId, { json }] = firstDevice(world, CAROL);
    return world.plant(BOB, (deviceId) =>
      signedDevice(BOB, deviceId, "Bob’s second phone", json.keys[`curve25519:${carolsId}`]),
    );
  },

  /** An identity in place of Alice's that she did not create. */
  "own-identity": (world) => {
    const alice = world.person(ALICE);
    const { identity } = alice;
    alice.identity = new Identity(ALICE);
    world.changed(ALICE);
    return () => {
      alice.identity = identity;
      world.changed(ALICE);
    };
  },
};

/** The tricks that are played at the moment. */
export class Tricks {
  #world;
  /** @type {Map<string, () => void>} */
  #undo = new Map();

  constructor(/** @type {World} */ world) {
    this.#world = world;
  }

  get played() {
    return [...this.#undo.keys()];
  }

  /** Plays a trick, unless it is played already. */
  play(/** @type {string} */ name) {
    const trick = Object.hasOwn(TRICKS, name) ? TRICKS[name] : undefined;
    if (trick === undefined) throw new MatrixRefusal(404, "M_NOT_FOUND", `there is no trick called ${name}`);
    if (!this.#undo.has(name)) this.#undo.set(name, trick(this.#world));
  }

  takeBack(/** @type {string} */ name) {
    this.#undo.get(name)?.();
    this.#undo.delete(name);
  }
}

/** The oldest of a user's own devices. @param {World} world @param {string} userId */
function firstDevice(world, userId) {
  const [oldest] = world.person(userId).ownDevices;
  if (oldest === undefined) throw new MatrixRefusal(409, "M_UNKNOWN", `${userId} has no device left for this trick`);
  return oldest;
}
