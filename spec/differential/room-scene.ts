import { asyncScheduler } from "rxjs";
import type { HistoryVisibility } from "../../src/rooms/wire.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import type { DeviceRef } from "../../src/trust/recipient-policy.js";
import { Random } from "../support/random.js";
import { at, jsonObject, objectAt, type JsonObject } from "./json.js";
import { KeyRing, signObject, type KeyPair } from "./key-pair.js";
import { ME } from "./person.js";
import { BOB, CAROL, DAVE, OTHERS, type RoomEvent } from "./room-events.js";
import { RoomPerson, type RoomDevice } from "./room-person.js";
import type { PolicyName } from "./sharing-policies.js";

export const ROOM = "!room:example.org";

/** How long a session may be used. */
export interface RotationSettings {
  readonly periodMs: number;
  readonly messages: number;
}

/** What is true of the room and its users, and the homeserver that shows it to both sides. */
export class RoomScene {
  readonly homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler, userId: ME });
  readonly me: RoomPerson;
  visibility: HistoryVisibility = "shared";
  settings: RotationSettings = { periodMs: 604_800_000, messages: 100 };
  policy: PolicyName = "identity";
  readonly #people: ReadonlyMap<string, RoomPerson>;
  readonly #members = new Map<string, "joined" | "invited">();
  readonly #blocked = new Map<string, DeviceRef>();
  readonly #revisions = new Map<string, number>();
  /** The master key of each user whose keys were looked up, until a person acknowledges another one. */
  readonly #pinned = new Map<string, string>();
  /** The users who were verified when they were looked up. */
  readonly #wereVerified = new Set<string>();

  /** @param sendingDevice the JSON of our device, as its machine uploads it */
  constructor(pairs: readonly KeyPair[], sendingDevice: JsonObject) {
    const keys = new KeyRing(pairs, 0);
    const random = new Random(1);
    this.#people = new Map([ME, ...OTHERS].map((userId) => [userId, new RoomPerson(userId, random, keys)]));
    this.me = this.person(ME);
    this.me.crossSign(sendingDevice);
    this.me.sendingDevice = sendingDevice;
    this.me.addDevice("signed");
    this.person(BOB).addDevice("signed");
    for (const kind of ["signed", "legacy"] as const) this.person(CAROL).addDevice(kind);
    this.person(DAVE).addDevice("signed");
    this.#room.encrypt();
    this.#room.join(ME, BOB, CAROL);
    for (const userId of [ME, BOB, CAROL]) this.#members.set(userId, "joined");
  }

  get #room() {
    return this.homeserver.room(ROOM);
  }

  person(userId: string): RoomPerson {
    const person = this.#people.get(userId);
    if (person === undefined) throw new RangeError(`no user ${userId}`);
    return person;
  }

  device(userId: string, deviceId: string): RoomDevice | undefined {
    return this.person(userId).devices.get(deviceId);
  }

  get blocked(): readonly DeviceRef[] {
    return [...this.#blocked.values()];
  }

  isBlocked(userId: string, deviceId: string): boolean {
    return this.#blocked.has(`${userId} ${deviceId}`);
  }

  /** Whether the user may read what is sent now. Matrix spec, client-server API, "Room History Visibility". */
  isReader(userId: string): boolean {
    const membership = this.#members.get(userId);
    return membership === "joined" || (membership === "invited" && this.visibility !== "joined");
  }

  get readers(): readonly string[] {
    return [...this.#people.keys()].filter((userId) => this.isReader(userId));
  }

  /** Whether the user has another master key than the one that was seen first, or acknowledged last. */
  isChanged(userId: string): boolean {
    const pinned = this.#pinned.get(userId);
    return pinned !== undefined && pinned !== this.person(userId).masterKey;
  }

  /** Whether the user was verified once, and is not any more. */
  isViolated(userId: string): boolean {
    return this.#wereVerified.has(userId) && !this.person(userId).isVerified;
  }

  /** Both sides have looked up these users. */
  lookedUp(userIds: readonly string[]): void {
    for (const userId of userIds) {
      const { masterKey, isVerified } = this.person(userId);
      if (isVerified) this.#wereVerified.add(userId);
      if (isVerified || !this.#pinned.has(userId)) this.#pinned.set(userId, masterKey);
    }
  }

  acknowledge(userId: string): void {
    this.#pinned.set(userId, this.person(userId).masterKey);
  }

  withdrawVerification(userId: string): void {
    this.#wereVerified.delete(userId);
  }

  /** @returns the user whom the event has removed */
  apply(event: RoomEvent): string | undefined {
    switch (event.type) {
      case "join":
      case "leave":
      case "invite":
        return this.#move(event.type, event.user);
      case "bounce": {
        const membership = this.#members.get(event.user);
        const left = this.#move("leave", event.user);
        if (membership !== undefined) this.#move(membership === "joined" ? "join" : "invite", event.user);
        return left;
      }
      case "visibility":
        this.visibility = event.to;
        this.#room.setVisibility(event.to);
        return undefined;
      case "settings": {
        const { periodMs, messages } = event;
        this.settings = { periodMs, messages };
        this.#room.encrypt({ rotation_period_ms: periodMs, rotation_period_msgs: messages });
        return undefined;
      }
      case "policy":
        this.policy = event.name;
        return undefined;
      case "add device":
        this.person(event.user).addDevice(event.kind);
        break;
      case "remove device":
      case "replace curve25519 key":
      case "block":
      case "unblock":
        this.#changeDevice(event);
        break;
      case "reset identity":
        this.person(event.user).resetIdentity();
        break;
      case "verify":
      case "withhold our signature":
        this.person(event.user).isVerified = event.type === "verify";
        break;
      default:
        return undefined;
    }
    this.homeserver.change(event.user);
    this.#revisions.set(event.user, this.revisionOf(event.user) + 1);
    return undefined;
  }

  /** Increases whenever the user's keys change. */
  revisionOf(userId: string): number {
    return this.#revisions.get(userId) ?? 0;
  }

  /** The response of `/keys/query`. */
  keysOf(userIds: readonly string[]): JsonObject {
    const sections = { devices: jsonObject(), master: jsonObject(), selfSigning: jsonObject() };
    for (const userId of userIds) {
      const person = this.person(userId);
      person.addTo(sections);
      const { userSigning } = this.me.identity;
      if (person.isVerified) signObject(objectAt(sections.master, userId), ME, userSigning.publicKey, userSigning);
    }
    const { devices, master, selfSigning } = sections;
    const userSigning = userIds.includes(ME) ? { [ME]: this.me.crossSigningJson("user_signing") } : {};
    return jsonObject({
      device_keys: devices,
      failures: {},
      master_keys: master,
      self_signing_keys: selfSigning,
      user_signing_keys: userSigning,
    });
  }

  /** The response of `/keys/claim`. */
  claim(request: unknown): JsonObject {
    const claimed = jsonObject();
    for (const [userId, devices] of Object.entries(objectAt(request, "one_time_keys"))) {
      const keys = Object.keys(objectAt({ devices }, "devices")).flatMap((deviceId) => {
        const key = this.person(userId).oneTimeKey(deviceId);
        return key === undefined ? [] : [[deviceId, key] as const];
      });
      claimed[userId] = jsonObject(Object.fromEntries(keys));
    }
    return jsonObject({ one_time_keys: claimed, failures: {} });
  }

  #move(how: "join" | "leave" | "invite", userId: string): string | undefined {
    const membership = this.#members.get(userId);
    if (how === "leave") {
      if (membership === undefined) return undefined;
      this.#members.delete(userId);
      this.#room.leave(userId);
      return userId;
    }
    if (membership === "joined" || (membership === "invited" && how === "invite")) return undefined;
    this.#members.set(userId, how === "join" ? "joined" : "invited");
    this.#room[how](userId);
    return undefined;
  }

  #changeDevice({ type, user, which }: Extract<RoomEvent, { readonly which: number }>): void {
    const { devices } = this.person(user);
    const device = [...devices.values()][which % devices.size];
    if (device === undefined) return;
    const name = `${user} ${device.id}`;
    if (type === "block") this.#blocked.set(name, { userId: user, deviceId: device.id });
    else if (type === "unblock") this.#blocked.delete(name);
    else if (type === "remove device") devices.delete(device.id);
    else device.curve25519 = this.person(user).newCurve25519();
  }
}

/** The JSON of the device in a request to `/keys/upload`. */
export const uploadedDevice = (body: string): JsonObject => at(JSON.parse(body), "device_keys") as JsonObject;
