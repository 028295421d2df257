import { randomBytes } from "node:crypto";
import { signedDevice } from "./signed-device.mjs";
import { MatrixRefusal } from "./matrix-refusal.mjs";

export const HOME = "home.example";
const ELSEWHERE = "elsewhere.example";
export const ALICE = `@alice:${HOME}`;
const BOB = `@bob:${HOME}`;
const CAROL = `@carol:${HOME}`;
const DAVE = `@dave:${ELSEWHERE}`;
export const ROOM = `!kitchen:${HOME}`;

/** What a person's devices are called, in the order in which they sign in. */
const DEVICE_NAMES = ["phone", "laptop", "tablet", "work computer", "browser", "old phone", "watch", "television"];

/** @typedef {ReturnType<typeof signedDevice>} Device */
/** @typedef {{ devices: Map<string, Device>, signIns: number, joined: boolean }} Person */

/**
 * Who there is, which devices they have, and the stream of what happened to both: one encrypted room that Alice shares with
 * three people on two servers.
 */
export class World {
  /** Tells the tokens and the device of this run from those of another, which a browser may have saved. */
  life = randomBytes(3).toString("hex").toUpperCase();
  /** The position in the stream: how many things have been announced. */
  position = 0;
  /** Servers that cannot be reached. @type {Set<string>} */
  down = new Set();
  /** @type {Map<string, Person>} */
  #people = new Map();
  /** @type {{ position: number, userId: string, kind: "changed" | "left" }[]} */
  #stream = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();

  constructor() {
    for (const [userId, devices] of /** @type {const} */ ([[ALICE, 1], [BOB, 2], [CAROL, 1], [DAVE, 2]])) {
      this.#people.set(userId, { devices: new Map(), signIns: 0, joined: true });
      for (let i = 0; i < devices; i++) this.#signIn(userId);
    }
    this.#stream = []; // an initial sync announces nobody, and there is no earlier token
    this.position = 0;
  }

  people() {
    return [...this.#people.keys()];
  }

  members() {
    return [...this.#people].filter(([, { joined }]) => joined).map(([userId]) => userId);
  }

  /** A copy of someone's device list as of now; undefined for who does not exist. */
  deviceList(/** @type {string} */ userId) {
    const person = this.#people.get(userId);
    return person && Object.fromEntries(person.devices);
  }

  addDevice(/** @type {string} */ userId) {
    this.#reachable(userId);
    const deviceId = this.#signIn(userId);
    this.#announce(userId, "changed");
    return deviceId;
  }

  /** Logs the newest device out. */
  removeDevice(/** @type {string} */ userId) {
    const { devices } = this.#reachable(userId);
    const deviceId = [...devices.keys()].at(-1);
    if (deviceId === undefined) throw new MatrixRefusal(409, "M_UNKNOWN", `${userId} has no device left to log out`);
    devices.delete(deviceId);
    this.#announce(userId, "changed");
    return deviceId;
  }

  leave(/** @type {string} */ userId) {
    const person = this.#person(userId);
    if (!person.joined) return;
    this.#announce(userId, "left");
    person.joined = false; // from here on nobody tells Alice about this person
  }

  join(/** @type {string} */ userId) {
    const person = this.#person(userId);
    if (person.joined) return;
    person.joined = true;
    this.#announce(userId, "changed");
  }

  takeDown(/** @type {string} */ server) {
    this.down.add(server);
  }

  /** Synapse announces a server's users again once it is back, since it may have missed changes. */
  bringUp(/** @type {string} */ server) {
    if (!this.down.delete(server)) return;
    for (const userId of this.members()) if (serverOf(userId) === server) this.#announce(userId, "changed");
  }

  /** Who changed and who left after `from`; the last word on each counts: left and back within one step is `changed` alone. */
  between(/** @type {number} */ from, /** @type {number} */ to) {
    /** @type {Map<string, "changed" | "left">} */
    const last = new Map();
    for (const { position, userId, kind } of this.#stream) if (position > from && position <= to) last.set(userId, kind);
    const those = (/** @type {string} */ kind) => [...last].filter(([, k]) => k === kind).map(([userId]) => userId);
    return { changed: those("changed"), left: those("left") };
  }

  /** Settles with the next announcement, after `ms`, or when the signal aborts, whichever is first. */
  nextAnnouncement(/** @type {number} */ ms, /** @type {AbortSignal} */ signal) {
    return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }

  #signIn(/** @type {string} */ userId) {
    const person = this.#person(userId);
    const deviceId = Array.from(randomBytes(10), (byte) => String.fromCharCode(65 + (byte % 26))).join("");
    const owner = userId.slice(1, 2).toUpperCase() + userId.slice(2, userId.indexOf(":"));
    const name = `${owner}’s ${DEVICE_NAMES[person.signIns++ % DEVICE_NAMES.length]}`;
    person.devices.set(deviceId, signedDevice(userId, deviceId, name));
    return deviceId;
  }

  #person(/** @type {string} */ userId) {
    const person = this.#people.get(userId);
    if (person === undefined) throw new MatrixRefusal(404, "M_NOT_FOUND", `nobody here is called ${userId}`);
    return person;
  }

  #reachable(/** @type {string} */ userId) {
    if (this.down.has(serverOf(userId))) throw new MatrixRefusal(409, "M_UNKNOWN", `the server of ${userId} is down: nothing of theirs reaches us`);
    return this.#person(userId);
  }

  #announce(/** @type {string} */ userId, /** @type {"changed" | "left"} */ kind) {
    if (!this.#person(userId).joined) return; // the server tells us only about people with whom we share a room
    this.#stream.push({ position: ++this.position, userId, kind });
    for (const done of [...this.#waiting]) done();
  }
}

/** All that follows the first `:` of a user ID. */
export const serverOf = (/** @type {string} */ userId) => userId.slice(userId.indexOf(":") + 1);
