import { randomUUID } from "node:crypto";
import * as wasm from "@matrix-org/matrix-sdk-crypto-wasm";
import { DeviceTracker, memoryStore, type DeviceStore } from "matrix-device-tracker";
import { axiosKeysApi, matrixHttp, syncResponses } from "matrix-device-tracker/http";
import { feedSync, serveKeyQueries, type ServedKeys } from "matrix-device-tracker/olm-machine";
import { exhaustMap, filter, merge, of } from "rxjs";
import type { EngineModule } from "../engines/engine-module.js";
import { NativeMachine } from "../engines/native-machine.js";
import { call } from "./client.js";
import { PASSWORD, type Login, type Person } from "./person.js";

const { CollectStrategy, DecryptionSettings, EncryptionSettings, RequestType } = wasm;

/** An encrypted message, as the other members of the room get it. */
export type EncryptedEvent = Readonly<Record<string, unknown>>;

/** What was sent, and to which devices its session was. */
export interface SentMessage {
  readonly event: EncryptedEvent;
  /** Such as `@bob:example.org PHONE`. */
  readonly sharedWith: readonly string[];
}

/** A login with an `OlmMachine` whose device lists come from a tracker, composed as an application does. */
export class EngineDevice {
  readonly tracker: DeviceTracker;
  readonly served: ServedKeys[] = [];
  readonly faults: unknown[] = [];
  /** Types of the problems that the tracker reported. */
  readonly problems: string[] = [];
  /** Whether responses are lost, so that there is a gap afterwards. */
  isOffline = false;
  readonly #person: Person;
  readonly #login: Login;
  readonly #store: DeviceStore;
  readonly #engine: EngineModule;
  readonly #machine: wasm.OlmMachine;
  #upload: Promise<void> = Promise.resolve();

  private constructor(
    person: Person,
    login: Login,
    engine: EngineModule,
    machine: wasm.OlmMachine,
    store = memoryStore(),
  ) {
    this.#engine = engine;
    this.#store = store;
    this.#person = person;
    this.#login = login;
    this.#machine = machine;
    const http = matrixHttp({ homeserverUrl: person.url, accessToken: login.accessToken });
    const feed = feedSync(machine, engine);
    const sync$ = syncResponses(http, {
      since$: store.syncToken$,
      save: (response) => (this.isOffline ? of(undefined) : feed.save(response)),
    }).pipe(filter(() => !this.isOffline));
    this.tracker = new DeviceTracker({ userId: person.userId, store, keysApi: axiosKeysApi(http), sync$ });
    const report = { error: (error: unknown) => this.faults.push(error) };
    merge(feed.deviceLists(this.tracker), serveKeyQueries(machine, this.tracker)).subscribe({
      next: (served) => this.served.push(served),
      ...report,
    });
    this.tracker.problems$.subscribe(({ type }) => this.problems.push(type));
    this.tracker.applied$.pipe(exhaustMap(() => this.sendOthers().catch(report.error))).subscribe(report);
    this.tracker.connect();
  }

  static async logIn(person: Person, members: readonly string[], engine: EngineModule = wasm): Promise<EngineDevice> {
    const login = await person.logIn();
    const { DeviceId, OlmMachine, UserId } = engine;
    const machine = await OlmMachine.initialize(new UserId(person.userId), new DeviceId(login.deviceId));
    const device = new EngineDevice(person, login, engine, machine);
    device.tracker.track(members).subscribe();
    await device.sendOthers();
    return device;
  }

  /** Closes the device, and opens it again with what it has saved. Its engine must be one that saves. */
  async restarted(): Promise<EngineDevice> {
    if (!(this.#machine instanceof NativeMachine)) throw new Error("this engine saves nothing");
    this.close();
    const machine = (await this.#machine.reopened()) as unknown as wasm.OlmMachine;
    return new EngineDevice(this.#person, this.#login, this.#engine, machine, this.#store);
  }

  /** The user and the device ID. */
  get name(): string {
    return `${this.#person.userId} ${this.#login.deviceId}`;
  }

  /** Sends the machine's requests, except those for device lists. One after the other. */
  async sendOthers(): Promise<void> {
    const before = this.#upload;
    this.#upload = before.then(async () => {
      for (const request of await this.#machine.outgoingRequests())
        if (request.type !== RequestType.KeysQuery) await this.#send(request);
    });
    await this.#upload;
  }

  /** A new identity, in place of the one that the person had. */
  async resetIdentity(): Promise<void> {
    const { uploadKeysRequest, uploadSigningKeysRequest, uploadSignaturesRequest } =
      await this.#machine.bootstrapCrossSigning(true);
    if (uploadKeysRequest !== undefined) await this.#send(uploadKeysRequest as Outgoing);
    const identifier = { type: "m.id.user", user: this.#person.userId };
    const auth = { type: "m.login.password", identifier, password: PASSWORD };
    const body = { ...(JSON.parse(uploadSigningKeysRequest.body) as object), auth };
    const path = "/keys/device_signing/upload";
    await this.#call("POST", path, body).catch(async (error: unknown) => {
      const session = /"session":\s*"(\w+)"/u.exec(String(error))?.[1];
      if (session === undefined) throw error;
      await this.#call("POST", path, { ...body, auth: { ...auth, session } });
    });
    await this.#send(uploadSignaturesRequest);
  }

  /** Whether the machine has no device list left to ask for. */
  async isUpToDate(): Promise<boolean> {
    return (await this.#machine.outgoingRequests()).every(({ type }) => type !== RequestType.KeysQuery);
  }

  /** Resolves once the machine has the lists of these users, after 5 s at the latest. */
  async hasListsOf(users: readonly string[]): Promise<void> {
    await Promise.all(users.map((userId) => this.#machine.getUserDevices(new this.#engine.UserId(userId), 5)));
  }

  async devicesOf(userId: string): Promise<readonly string[]> {
    const devices = await this.#machine.getUserDevices(new this.#engine.UserId(userId));
    return Array.from(devices.devices(), ({ deviceId }) => `${userId} ${deviceId.toString()}`).sort();
  }

  /** The master key of a user, as JSON. */
  async identityOf(userId: string): Promise<string | undefined> {
    return (await this.#machine.getIdentity(new this.#engine.UserId(userId)))?.masterKey;
  }

  /** Encrypts for the members of a room, and sends. */
  async say(roomId: string, members: readonly string[], text: string): Promise<SentMessage> {
    const users = () => members.map((userId) => new this.#engine.UserId(userId));
    const claim = await this.#machine.getMissingSessions(users());
    if (claim !== null) await this.#send(claim);
    const settings = new EncryptionSettings();
    settings.sharingStrategy = CollectStrategy.allDevices();
    const sharedWith: string[] = [];
    for (const request of await this.#machine.shareRoomKey(new this.#engine.RoomId(roomId), users(), settings)) {
      if (request.event_type === "m.room.encrypted") sharedWith.push(...recipientsIn(request.body));
      await this.#send(request);
    }
    const type = "m.room.encrypted";
    const body = JSON.stringify({ msgtype: "m.text", body: text });
    const content = JSON.parse(
      await this.#machine.encryptRoomEvent(new this.#engine.RoomId(roomId), "m.room.message", body),
    ) as object;
    const path = `/rooms/${encodeURIComponent(roomId)}/send/${type}/${randomUUID()}`;
    const { event_id } = await this.#call("PUT", path, content);
    const event = { type, content, event_id, room_id: roomId, sender: this.#person.userId, origin_server_ts: 1 };
    return { event, sharedWith };
  }

  /** The text of a message, or why it cannot be read. */
  async read({ event }: SentMessage): Promise<string> {
    const settings = new DecryptionSettings(wasm.TrustRequirement.Untrusted);
    const roomId = new this.#engine.RoomId(String(event.room_id));
    try {
      const { event: text } = await this.#machine.decryptRoomEvent(JSON.stringify(event), roomId, settings);
      return (JSON.parse(text) as { content: { body: string } }).content.body;
    } catch (error) {
      return String(error);
    }
  }

  async logOut(): Promise<void> {
    this.close();
    await this.#person.logOut(this.#login);
  }

  close(): void {
    this.tracker.close();
  }

  async #send(request: Outgoing): Promise<void> {
    const { id, type, body } = request;
    const sent = JSON.parse(body) as object;
    const answer =
      type === RequestType.ToDevice
        ? await this.#call("PUT", `/sendToDevice/${request.event_type ?? ""}/${request.txn_id ?? ""}`, sent)
        : await this.#call("POST", PATHS[type] ?? `/unknown/${type}`, sent);
    if (id !== undefined) await this.#machine.markRequestAsSent(id, type, JSON.stringify(answer));
  }

  #call(method: "POST" | "PUT", path: string, body: object) {
    return call(this.#person.url, method, path, { token: this.#login.accessToken, body });
  }
}

interface Outgoing {
  readonly id: string | undefined;
  readonly type: wasm.RequestType;
  readonly body: string;
  readonly event_type?: string;
  readonly txn_id?: string;
}

const PATHS: Readonly<Partial<Record<wasm.RequestType, string>>> = {
  [RequestType.KeysUpload]: "/keys/upload",
  [RequestType.KeysClaim]: "/keys/claim",
  [RequestType.SignatureUpload]: "/keys/signatures/upload",
};

function recipientsIn(body: string): readonly string[] {
  const { messages } = JSON.parse(body) as { messages: Record<string, object> };
  return Object.entries(messages).flatMap(([userId, devices]) =>
    Object.keys(devices).map((deviceId) => `${userId} ${deviceId}`),
  );
}
