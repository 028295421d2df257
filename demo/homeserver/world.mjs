import { randomBytes } from "node:crypto";
import { Announcements } from "./announcements.mjs";
import { Crowd } from "./crowd.mjs";
import { ALICE, ENCRYPTION, KITCHEN, ROOM } from "./kitchen.mjs";
import { MatrixRefusal } from "./matrix-refusal.mjs";
import { Person } from "./person.mjs";
import { Room } from "./room.mjs";
import { serverOf } from "./user-id.mjs";

/** The users, the room they share with Alice, and the stream of changes that the server announces to her. */
export class World {
  /** Distinguishes the tokens and the device of this world from those of another, which a browser may have saved. */
  life = randomBytes(3).toString("hex").toUpperCase();
  announcements = new Announcements();
  kitchen = new Room(ROOM, () => this.announcements.advance());
  crowd = new Crowd();
  /** Servers that cannot be reached. @type {Set<string>} */
  down = new Set();
  /**
   * The public master key that Alice's phone shows her, whatever the server returns; `undefined` if she has no identity.
   *
   * @type {string | undefined}
   */
  ownMasterKey;
  /** @type {Map<string, Person>} */
  #people = new Map();

  constructor(/** @type {readonly import("./kitchen.mjs").User[]} */ users = KITCHEN) {
    this.kitchen.begin(ALICE, "m.room.create", { room_version: "11" });
    this.kitchen.begin(ALICE, "m.room.history_visibility", { history_visibility: "shared" });
    this.kitchen.begin(ALICE, "m.room.encryption", ENCRYPTION);
    for (const { userId, devices, hasIdentity, isVerified = false, isAway = false } of users) {
      const person = new Person(userId);
      this.#people.set(userId, person);
      if (!isAway) this.kitchen.begin(userId, "m.room.member", { membership: "join" }, userId);
      if (hasIdentity) person.resetIdentity();
      for (let i = 0; i < devices; i++) person.signIn();
      person.signDevices();
      if (isVerified && person.identity !== undefined) this.person(ALICE).identity?.verify(person.identity);
    }
    this.ownMasterKey = Object.values(this.#people.get(ALICE)?.identity?.masterKey.keys ?? {})[0];
  }

  people() {
    return [...this.#people.keys()];
  }

  members() {
    return this.people().filter((userId) => this.kitchen.membership(userId) === "join");
  }

  person(/** @type {string} */ userId) {
    const person = this.#people.get(userId);
    if (person === undefined) throw new MatrixRefusal(404, "M_NOT_FOUND", `there is no user called ${userId}`);
    return person;
  }

  /** A copy of a user's device list as of now; `undefined` if the user does not exist. */
  deviceList(/** @type {string} */ userId) {
    const person = this.#known(userId);
    return person && Object.fromEntries(Array.from(person.devices, ([deviceId, { json }]) => [deviceId, json]));
  }

  /** A user's identity as of now; `undefined` if there is none. */
  identity(/** @type {string} */ userId) {
    return this.#known(userId)?.identity;
  }

  #known(/** @type {string} */ userId) {
    return this.#people.get(userId) ?? this.crowd.person(userId);
  }

  /** Users with a device that they have not signed yet. */
  unsigned() {
    return [...this.#people].filter(([, { unsignedDevices }]) => unsignedDevices.length > 0).map(([userId]) => userId);
  }

  addDevice(/** @type {string} */ userId) {
    const deviceId = this.#reachable(userId).signIn();
    this.changed(userId);
    return deviceId;
  }

  /** The user signs in on a new device and logs out the oldest one, in one announcement. */
  replaceDevice(/** @type {string} */ userId) {
    const person = this.#reachable(userId);
    const [oldest = ""] = person.devices.keys();
    person.devices.delete(oldest);
    return this.addDevice(userId);
  }

  /** Logs out the user's newest device; one that the server added stays. */
  removeDevice(/** @type {string} */ userId) {
    const person = this.#reachable(userId);
    const [deviceId] = person.ownDevices.at(-1) ?? [];
    if (deviceId === undefined) throw new MatrixRefusal(409, "M_UNKNOWN", `${userId} has no device left to log out`);
    person.devices.delete(deviceId);
    this.changed(userId);
    return deviceId;
  }

  /** The user's oldest device comes with new keys, which their identity has signed. */
  rekeyDevice(/** @type {string} */ userId) {
    const deviceId = this.#reachable(userId).rekeyDevice();
    if (deviceId === undefined) throw new MatrixRefusal(409, "M_UNKNOWN", `${userId} has no device left`);
    this.changed(userId);
    return deviceId;
  }

  /** The user signs their new devices, as after recognising them. */
  signDevices(/** @type {string} */ userId) {
    const person = this.#reachable(userId);
    if (person.unsignedDevices.length === 0)
      throw new MatrixRefusal(409, "M_UNKNOWN", `${userId} has no device without a signature`);
    person.signDevices();
    this.changed(userId);
  }

  /** The user creates a new identity, which signs all of their devices. */
  resetIdentity(/** @type {string} */ userId) {
    const person = this.#reachable(userId);
    person.resetIdentity();
    person.signDevices();
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
    const person = this.#reachable(userId);
    const deviceId = person.plant(make);
    this.changed(userId);
    return () => {
      person.devices.delete(deviceId);
      this.changed(userId);
    };
  }

  /** A user's devices or keys have changed. Only users who share the room with Alice are announced to her. */
  changed(/** @type {string} */ userId) {
    if (this.#sharing().has(userId)) this.announcements.announce(userId, "changed");
  }

  leave(/** @type {string} */ userId) {
    this.person(userId);
    if (this.kitchen.membership(userId) !== "leave") this.#become(userId, "leave", userId);
  }

  /** Invited or not: anyone may come in. */
  join(/** @type {string} */ userId) {
    this.person(userId);
    if (this.kitchen.membership(userId) !== "join") this.#become(userId, "join", userId);
  }

  /** Alice invites a user. Nothing is announced: an invited user shares no room with her yet. */
  invite(/** @type {string} */ userId) {
    this.person(userId);
    if (this.kitchen.membership(userId) === "join")
      throw new MatrixRefusal(403, "M_FORBIDDEN", `${userId} is in the room`);
    this.#become(userId, "invite", ALICE);
  }

  /** Alice removes a user from the room, or withdraws an invitation. */
  kick(/** @type {string} */ userId) {
    this.person(userId);
    if (this.kitchen.membership(userId) === "leave")
      throw new MatrixRefusal(403, "M_FORBIDDEN", `${userId} is not in the room`);
    this.#become(userId, "leave", ALICE);
  }

  takeDown(/** @type {string} */ server) {
    this.down.add(server);
  }

  /** Like Synapse, it announces the users of a server that is back, since it may have missed changes. */
  bringUp(/** @type {string} */ server) {
    if (!this.down.delete(server)) return;
    for (const userId of this.members()) if (serverOf(userId) === server) this.changed(userId);
  }

  #reachable(/** @type {string} */ userId) {
    if (this.down.has(serverOf(userId))) throw new MatrixRefusal(409, "M_UNKNOWN", `the server of ${userId} is down`);
    return this.person(userId);
  }

  /** @param {string} userId @param {import("./room.mjs").Membership} membership @param {string} sender */
  #become(userId, membership, sender) {
    const before = this.#sharing();
    this.kitchen.set(sender, "m.room.member", { membership }, userId);
    const now = this.#sharing();
    for (const other of before) if (!now.has(other)) this.announcements.announce(other, "left");
    for (const other of now) if (!before.has(other)) this.announcements.announce(other, "changed");
  }

  /** Alice, and the users who share the room with her. */
  #sharing() {
    return new Set(this.kitchen.membership(ALICE) === "join" ? this.members() : [ALICE]);
  }
}
