import { randomBytes } from "node:crypto";
import { Announcements } from "./announcements.mjs";
import { signedDevice } from "./device.mjs";
import { Identity } from "./identity.mjs";
import { MatrixRefusal } from "./matrix-refusal.mjs";

export const HOME = "home.example";
const ELSEWHERE = "elsewhere.example";
export const ALICE = `@alice:${HOME}`;
export const BOB = `@bob:${HOME}`;
export const CAROL = `@carol:${HOME}`;
const DAVE = `@dave:${ELSEWHERE}`;
export const ROOM = `!kitchen:${HOME}`;

/** The names of a user's devices, in the order in which they sign in. */
const DEVICE_NAMES = ["phone", "laptop", "tablet", "work computer", "browser", "old phone", "watch", "television"];

/** @typedef {import("./device.mjs").Device} Device */
/** @typedef {{ devices: Map<string, Device>, identity: Identity | undefined, signIns: number, joined: boolean }} Person */
/** @typedef {{ userId: string, devices: number, hasIdentity: boolean, isVerified?: boolean, isAway?: boolean }} User how a user starts; `isVerified`: by Alice; `isAway`: in no room with us */

/**
 * One encrypted room that Alice shares with three users on two servers. Alice has verified Carol; Dave has never set up cross-signing.
 *
 * @type {readonly User[]}
 */
const KITCHEN = [
  { userId: ALICE, devices: 1, hasIdentity: true },
  { userId: BOB, devices: 2, hasIdentity: true },
  { userId: CAROL, devices: 1, hasIdentity: true, isVerified: true },
  { userId: DAVE, devices: 2, hasIdentity: false },
];

/** The users, their devices, and the stream of changes. Our own user is Alice. */
export class World {
  /** Distinguishes the tokens and the device of this run from those of another, which a browser may have saved. */
  life = randomBytes(3).toString("hex").toUpperCase();
  announcements = new Announcements();
  /** Servers that cannot be reached. @type {Set<string>} */
  down = new Set();
  /** @type {Map<string, Person>} */
  #people = new Map();

  constructor(/** @type {readonly User[]} */ users = KITCHEN) {
    for (const { userId, devices, hasIdentity, isVerified = false, isAway = false } of users) {
      const identity = hasIdentity ? new Identity(userId) : undefined;
      this.#people.set(userId, { devices: new Map(), identity, signIns: 0, joined: !isAway });
      for (let i = 0; i < devices; i++) this.#signIn(userId);
      this.#sign(this.person(userId));
      if (isVerified) this.#identity(ALICE).verify(this.#identity(userId));
    }
  }

  people() {
    return [...this.#people.keys()];
  }

  members() {
    return [...this.#people].filter(([, { joined }]) => joined).map(([userId]) => userId);
  }

  person(/** @type {string} */ userId) {
    const person = this.#people.get(userId);
    if (person === undefined) throw new MatrixRefusal(404, "M_NOT_FOUND", `there is no user called ${userId}`);
    return person;
  }

  /** A copy of a user's device list as of now; `undefined` if the user does not exist. */
  deviceList(/** @type {string} */ userId) {
    const person = this.#people.get(userId);
    return person && Object.fromEntries(Array.from(person.devices, ([deviceId, { json }]) => [deviceId, json]));
  }

  /** A user's identity as of now; `undefined` if there is none. */
  identity(/** @type {string} */ userId) {
    return this.#people.get(userId)?.identity;
  }

  /** Users with a device that they have not signed yet. */
  unsigned() {
    return [...this.#people].filter(([, person]) => unsignedOf(person).length > 0).map(([userId]) => userId);
  }

  addDevice(/** @type {string} */ userId) {
    this.#reachable(userId);
    const deviceId = this.#signIn(userId);
    this.changed(userId);
    return deviceId;
  }

  /** The user signs in on a new device and logs out the oldest one, in one announcement. */
  replaceDevice(/** @type {string} */ userId) {
    const { devices } = this.#reachable(userId);
    const [oldest = ""] = devices.keys();
    devices.delete(oldest);
    return this.addDevice(userId);
  }

  /** Logs out the user's newest device; one that the server added stays. */
  removeDevice(/** @type {string} */ userId) {
    const { devices } = this.#reachable(userId);
    const [deviceId] = [...devices].findLast(([, { planted }]) => !planted) ?? [];
    if (deviceId === undefined) throw new MatrixRefusal(409, "M_UNKNOWN", `${userId} has no device left to log out`);
    devices.delete(deviceId);
    this.changed(userId);
    return deviceId;
  }

  /** The user signs their new devices, as after recognising them. */
  signDevices(/** @type {string} */ userId) {
    const person = this.#reachable(userId);
    if (unsignedOf(person).length === 0)
      throw new MatrixRefusal(409, "M_UNKNOWN", `${userId} has no device without a signature`);
    this.#sign(person);
    this.changed(userId);
  }

  /** The user creates a new identity, which signs all of their devices. */
  resetIdentity(/** @type {string} */ userId) {
    const person = this.#reachable(userId);
    const before = person.identity?.selfSigningKey.keys ?? {};
    person.identity = new Identity(userId);
    for (const device of person.devices.values()) {
      const { [userId]: theirs = {}, ...others } = device.json.signatures ?? {};
      device.json = {
        ...device.json,
        signatures: {
          ...others,
          [userId]: Object.fromEntries(Object.entries(theirs).filter(([keyId]) => !(keyId in before))),
        },
      };
    }
    this.#sign(person);
    this.changed(userId);
  }

  /**
   * Adds a device to a user's list that is not theirs.
   *
   * @param {string} userId
   * @param {(deviceId: string) => import("./device.mjs").DeviceJson} make
   * @returns {() => void} removes it again
   */
  plant(userId, make) {
    const { devices } = this.#reachable(userId);
    const deviceId = newDeviceId();
    devices.set(deviceId, { json: make(deviceId), planted: true });
    this.changed(userId);
    return () => {
      devices.delete(deviceId);
      this.changed(userId);
    };
  }

  /** Announces that a user's devices or keys have changed. */
  changed(/** @type {string} */ userId) {
    this.#announce(userId, "changed");
  }

  leave(/** @type {string} */ userId) {
    const person = this.person(userId);
    if (!person.joined) return;
    this.#announce(userId, "left");
    person.joined = false; // from here on, their changes are not announced to Alice
  }

  join(/** @type {string} */ userId) {
    const person = this.person(userId);
    if (person.joined) return;
    person.joined = true;
    this.#announce(userId, "changed");
  }

  takeDown(/** @type {string} */ server) {
    this.down.add(server);
  }

  /** Like Synapse, it announces the users of a server that is back, since it may have missed changes. */
  bringUp(/** @type {string} */ server) {
    if (!this.down.delete(server)) return;
    for (const userId of this.members()) if (serverOf(userId) === server) this.#announce(userId, "changed");
  }

  #signIn(/** @type {string} */ userId) {
    const person = this.person(userId);
    const deviceId = newDeviceId();
    const owner = userId.slice(1, 2).toUpperCase() + userId.slice(2, userId.indexOf(":"));
    const name = `${owner}’s ${DEVICE_NAMES[person.signIns++ % DEVICE_NAMES.length]}`;
    person.devices.set(deviceId, { json: signedDevice(userId, deviceId, name), planted: false });
    return deviceId;
  }

  #sign(/** @type {Person} */ person) {
    for (const device of unsignedOf(person))
      if (person.identity !== undefined) device.json = person.identity.signDevice(device.json);
  }

  #identity(/** @type {string} */ userId) {
    const { identity } = this.person(userId);
    if (identity === undefined) throw new Error(`${userId} has no identity`);
    return identity;
  }

  #reachable(/** @type {string} */ userId) {
    if (this.down.has(serverOf(userId))) throw new MatrixRefusal(409, "M_UNKNOWN", `the server of ${userId} is down`);
    return this.person(userId);
  }

  #announce(/** @type {string} */ userId, /** @type {"changed" | "left"} */ kind) {
    if (!this.person(userId).joined) return; // only users who share a room with us are announced
    this.announcements.announce(userId, kind);
  }
}

/** The user's own devices that their identity has not signed. @param {Person} person */
function unsignedOf({ devices, identity }) {
  return identity === undefined
    ? []
    : [...devices.values()].filter(({ json, planted }) => !planted && !identity.hasSigned(json));
}

const newDeviceId = () => Array.from(randomBytes(10), (byte) => String.fromCharCode(65 + (byte % 26))).join("");

/** Everything after the first `:` of a user ID. */
export const serverOf = (/** @type {string} */ userId) => userId.slice(userId.indexOf(":") + 1);
