import { randomUUID } from "node:crypto";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import type { NativeBinding, SledBackedOlmMachine } from "./native-binding.js";
import type { DeviceLists, RoomId, UserId } from "./native-ids.js";
import { kindNumber, toRequest, type EngineRequest } from "./native-requests.js";

/** Half of a surrogate pair in JSON: `JSON.stringify` escapes it, and no other character beyond ASCII. */
const HALF_A_PAIR = /(?<!\\)(?:\\\\)*\\ud[89a-f]/u;

/** The engine writes what it has saved to the disk at least this often, in ms: 500, and some more. */
const FLUSH = 600;

/**
 * The native engine, as the bindings for Node look today: promises, and objects for IDs. Faults are thrown at once, and
 * not by the promise.
 */
export class NativeMachine {
  readonly userId: UserId;
  readonly #binding: NativeBinding;
  readonly #folder: string;
  /** In the folder. */
  readonly #store: string;
  #engine: SledBackedOlmMachine | undefined;
  /** Those that the engine has been given: it does not list the users that it tracks. */
  readonly #users = new Map<string, UserId>();

  /** @param folder for the stores of the machine and of those that replace it */
  constructor(binding: NativeBinding, userId: UserId, deviceId: string, folder: string, store: string = randomUUID()) {
    this.userId = userId;
    this.#binding = binding;
    this.#folder = folder;
    this.#store = store;
    this.#engine = new binding.SledBackedOlmMachine(userId.toString(), deviceId, join(folder, store));
    this.#users.set(userId.toString(), userId);
  }

  /**
   * Closes the machine, and opens it again with what it has saved. With a copy, since a store stays locked until the
   * garbage collector has found its machine.
   */
  async reopened(): Promise<NativeMachine> {
    const { deviceId } = this.#open;
    this.close();
    await sleep(FLUSH);
    const store = randomUUID();
    await cp(join(this.#folder, this.#store), join(this.#folder, store), { recursive: true });
    const machine = new NativeMachine(this.#binding, this.userId, deviceId, this.#folder, store);
    for (const [userId, user] of this.#users) machine.#users.set(userId, user);
    return machine;
  }

  outgoingRequests(): Promise<readonly EngineRequest[]> {
    return Promise.resolve(this.#open.outgoingRequests.map(toRequest));
  }

  markRequestAsSent(requestId: string, type: RequestType, response: string): Promise<boolean> {
    // This engine would end the process. Those of today refuse it.
    if (HALF_A_PAIR.test(response)) throw new Error("the response is not valid Unicode");
    this.#open.markRequestAsSent(requestId, kindNumber(type), response);
    return Promise.resolve(true);
  }

  updateTrackedUsers(users: readonly UserId[]): Promise<void> {
    for (const user of users) this.#users.set(user.toString(), user);
    this.#open.updateTrackedUsers(users.map(String));
    return Promise.resolve();
  }

  trackedUsers(): Promise<ReadonlySet<UserId>> {
    const tracked = Array.from(this.#users).filter(([userId]) => this.#open.isUserTracked(userId));
    return Promise.resolve(new Set(tracked.map(([, user]) => user)));
  }

  receiveSyncChanges(
    events: string,
    { changed, left }: DeviceLists,
    counts: Readonly<Record<string, number>>,
    unusedFallbackKeys: readonly string[],
  ): Promise<string> {
    const lists = { changed: changed.map(String), left: left.map(String) };
    const numbers = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
    return Promise.resolve(this.#open.receiveSyncChanges(`{"events":${events}}`, lists, numbers, unusedFallbackKeys));
  }

  getUserDevices(userId: UserId) {
    const devices = this.#open.getUserDevices(userId.toString());
    return Promise.resolve({ devices: () => devices });
  }

  getMissingSessions(users: readonly UserId[]): Promise<EngineRequest | null> {
    const json = this.#open.getMissingSessions(users.map(String));
    return Promise.resolve(json === "{}" ? null : toRequest(json));
  }

  shareRoomKey(roomId: RoomId, users: readonly UserId[]): Promise<readonly EngineRequest[]> {
    return Promise.resolve(this.#open.shareRoomKey(roomId.toString(), users.map(String)).map(toRequest));
  }

  encryptRoomEvent(roomId: RoomId, eventType: string, content: string): Promise<string> {
    return Promise.resolve(this.#open.encrypt(roomId.toString(), eventType, content));
  }

  decryptRoomEvent(event: string, roomId: RoomId): Promise<{ readonly event: string }> {
    return Promise.resolve({ event: this.#open.decryptRoomEvent(event, roomId.toString()).clearEvent });
  }

  close(): void {
    this.#engine = undefined;
  }

  get #open(): SledBackedOlmMachine {
    if (this.#engine === undefined) throw new Error("the machine is closed");
    return this.#engine;
  }
}
