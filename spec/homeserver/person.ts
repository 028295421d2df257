import { generateKeyPairSync, randomUUID } from "node:crypto";
import type { DeviceId, UserId } from "../../src/model/ids.js";
import type { HistoryVisibility } from "../../src/rooms/wire.js";
import { signObject, unpadded, type KeyPair } from "../differential/key-pair.js";
import type { JsonObject } from "../differential/json.js";
import { call } from "./client.js";
import type { DeviceLife } from "./truth.js";

export const PASSWORD = "a password";
const ENCRYPTION = { algorithm: "m.megolm.v1.aes-sha2" };

/** A login, as the homeserver returned it. */
export interface Login {
  readonly deviceId: DeviceId;
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
}

/** A person with an account on a real homeserver, and the lives of their devices. */
export class Person {
  readonly userId: UserId;
  readonly url: string;
  /** Devices with keys, in the order of their logins. */
  readonly devices: DeviceLife[] = [];
  readonly #roomToken: string;

  private constructor(url: string, userId: UserId, roomToken: string) {
    this.url = url;
    this.userId = userId;
    this.#roomToken = roomToken;
  }

  /** Registers a new account. Its first device, which never has keys, creates and joins rooms. */
  static async register(url: string, name: string): Promise<Person> {
    const username = `${name}-${randomUUID()}`;
    const body = { username, password: PASSWORD, auth: { type: "m.login.dummy" } };
    const { user_id, access_token } = await call(url, "POST", "/register", { body });
    return new Person(url, user_id as UserId, access_token as string);
  }

  async createEncryptedRoom(): Promise<string> {
    return await this.#createRoom([{ type: "m.room.encryption", state_key: "", content: ENCRYPTION }]);
  }

  async createUnencryptedRoom(): Promise<string> {
    return await this.#createRoom([]);
  }

  /** @param via the name of a server in the room */
  async join(roomId: string, via: string): Promise<void> {
    await this.#call("POST", `/join/${encodeURIComponent(roomId)}?via=${via}&server_name=${via}`);
  }

  async leave(roomId: string): Promise<void> {
    await this.#call("POST", `${pathOf(roomId)}/leave`);
  }

  async invite(roomId: string, userId: UserId): Promise<void> {
    await this.#call("POST", `${pathOf(roomId)}/invite`, { user_id: userId });
  }

  /** Removes a user from a room, or withdraws their invitation. */
  async kick(roomId: string, userId: UserId): Promise<void> {
    await this.#call("POST", `${pathOf(roomId)}/kick`, { user_id: userId });
  }

  async encrypt(roomId: string): Promise<void> {
    await this.#call("PUT", `${pathOf(roomId)}/state/m.room.encryption/`, ENCRYPTION);
  }

  async setVisibility(roomId: string, historyVisibility: HistoryVisibility): Promise<void> {
    const path = `${pathOf(roomId)}/state/m.room.history_visibility/`;
    await this.#call("PUT", path, { history_visibility: historyVisibility });
  }

  /** Sends a message, and returns its event ID. */
  async say(roomId: string, text: string): Promise<string> {
    const path = `${pathOf(roomId)}/send/m.room.message/${randomUUID()}`;
    return (await this.#call("PUT", path, { msgtype: "m.text", body: text })).event_id as string;
  }

  /** What the homeserver responds of a room that this person is in. */
  async read(roomId: string, what: "members" | "state"): Promise<unknown> {
    return await this.#call("GET", `${pathOf(roomId)}/${what}`);
  }

  /** Logs in as a new device, which has no keys yet. */
  async logIn({ isRefreshable = false } = {}): Promise<Login> {
    const identifier = { type: "m.id.user", user: this.userId };
    const body = { type: "m.login.password", identifier, password: PASSWORD, refresh_token: isRefreshable };
    const { device_id, access_token, refresh_token } = await call(this.url, "POST", "/login", { body });
    return {
      deviceId: device_id as DeviceId,
      accessToken: access_token as string,
      refreshToken: refresh_token as string | undefined,
    };
  }

  /** Uploads new, signed keys for a device. */
  async uploadKeys({ deviceId, accessToken }: Login): Promise<DeviceLife> {
    const { key, device_keys } = makeDevice(this.userId, deviceId);
    const life: DeviceLife = { deviceId, key, uploadBegan: performance.now() };
    this.devices.push(life);
    await call(this.url, "POST", "/keys/upload", { token: accessToken, body: { device_keys } });
    life.uploaded = performance.now();
    return life;
  }

  async logOut({ deviceId, accessToken }: Login): Promise<void> {
    const life = this.devices.find((device) => device.deviceId === deviceId);
    if (life !== undefined) life.logoutBegan = performance.now();
    await call(this.url, "POST", "/logout", { token: accessToken });
    if (life !== undefined) life.loggedOut = performance.now();
  }

  async #createRoom(initialState: readonly object[]): Promise<string> {
    const body = { preset: "public_chat", initial_state: initialState };
    return (await this.#call("POST", "/createRoom", body)).room_id as string;
  }

  #call(method: "GET" | "POST" | "PUT", path: string, body?: object) {
    return call(this.url, method, path, { token: this.#roomToken, ...(body !== undefined && { body }) });
  }
}

const pathOf = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`;

/** A device that has signed itself, and its ed25519 key. */
function makeDevice(userId: UserId, deviceId: DeviceId): { key: string; device_keys: JsonObject } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pair: KeyPair = { privateKey, publicKey: rawKey(publicKey) };
  const device_keys: JsonObject = {
    user_id: userId,
    device_id: deviceId,
    algorithms: ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
    keys: {
      [`ed25519:${deviceId}`]: pair.publicKey,
      [`curve25519:${deviceId}`]: rawKey(generateKeyPairSync("x25519").publicKey),
    },
  };
  signObject(device_keys, userId, deviceId, pair);
  return { key: pair.publicKey, device_keys };
}

/** The last 32 bytes of its DER form. */
const rawKey = (key: ReturnType<typeof generateKeyPairSync>["publicKey"]): string =>
  unpadded(key.export({ format: "der", type: "spki" }).subarray(-32));
