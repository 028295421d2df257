import { RequestType, type OlmMachine } from "@matrix-org/matrix-sdk-crypto-wasm";
import { defer, firstValueFrom, merge, Subject, type Subscription } from "rxjs";
import { onTestFinished } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { feedSync } from "../../src/olm-machine/feed-sync.js";
import { serveKeyQueries } from "../../src/olm-machine/serve-key-queries.js";
import type { ServedKeys } from "../../src/olm-machine/served-keys.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import type { DeviceTrackerOptions } from "../../src/tracker/options.js";
import { engineInUse } from "../engines/engine-in-use.js";
import type { EngineModule } from "../engines/engine-module.js";
import { NativeMachine } from "../engines/native-machine.js";
import { ManualTime } from "../support/manual-time.js";
import { nodeVerifier } from "../support/node-verifier.js";
import { keyPair, signedAccount, type SignedAccount } from "../support/signed-account.js";
import { ALICE } from "../support/users.js";
import { settled } from "./settled.js";

/** In ms. */
const LEAP = 4_000;

/** A real `OlmMachine` of ours that a tracker serves, and their homeserver, in time that a test moves by hand. */
export class ServedMachine {
  readonly time = new ManualTime();
  readonly homeserver: ScriptedHomeserver;
  tracker: DeviceTracker;
  machine: OlmMachine;
  readonly #options: Partial<DeviceTrackerOptions>;
  readonly #engine: EngineModule;
  /** What the service emitted; an error, or `"complete"`. */
  readonly served: (ServedKeys | Error | "complete")[] = [];
  #sync$ = new Subject<SyncResponse>();
  /** The token that the next response begins with, if it is not that of the last one. */
  #since: string | undefined;
  #saved: SyncResponse | undefined;
  #feed;
  readonly #accounts = new Map<string, SignedAccount>();
  /** Accounts that have not been reset. Their identity is not uploaded. */
  readonly #first = new Map<string, SignedAccount>();
  #serving: Subscription | undefined;

  private constructor(engine: EngineModule, machine: OlmMachine, options: Partial<DeviceTrackerOptions>) {
    this.#engine = engine;
    this.machine = machine;
    this.homeserver = new ScriptedHomeserver({ scheduler: this.time, answerAfter: 5 });
    this.#options = options;
    this.tracker = this.#openTracker();
    this.#feed = feedSync(machine, engine);
  }

  /** A machine that has uploaded its keys and is being served, after the initial sync. */
  static async open(options: Partial<DeviceTrackerOptions> = {}): Promise<ServedMachine> {
    const served = await ServedMachine.openUnbound(options);
    onTestFinished(() => {
      served.close();
    });
    return served;
  }

  /** The same, to be closed by the caller. */
  static async openUnbound(options: Partial<DeviceTrackerOptions> = {}): Promise<ServedMachine> {
    const engine = await engineInUse();
    const machine = await engine.OlmMachine.initialize(new engine.UserId(ALICE), new engine.DeviceId("OURS"));
    for (const { id, type } of await machine.outgoingRequests())
      if (type === RequestType.KeysUpload && id !== undefined)
        await machine.markRequestAsSent(id, type, '{"one_time_key_counts":{"signed_curve25519":50}}');
    const served = new ServedMachine(engine, machine, options);
    served.connect();
    served.serve();
    await served.step(null);
    await served.elapse(10);
    served.forget();
    return served;
  }

  #openTracker(): DeviceTracker {
    return new DeviceTracker({
      userId: ALICE,
      sync$: defer(() => this.#sync$),
      keysApi: this.homeserver.keysApi,
      scheduler: this.time,
      verifier: nodeVerifier,
      ...this.#options,
    });
  }

  /** Closes the machine and the tracker, and opens them again with what they have saved: the next response begins there. */
  async restart(): Promise<void> {
    const { store } = this.#options;
    if (!(this.machine instanceof NativeMachine) || store === undefined) throw new Error("nothing is saved");
    this.close();
    this.machine = (await this.machine.reopened()) as unknown as OlmMachine;
    this.tracker = this.#openTracker();
    this.#feed = feedSync(this.machine, this.#engine);
    this.#since = await firstValueFrom(store.syncToken$);
    this.connect();
    this.serve();
    await settled();
  }

  connect(): void {
    this.tracker.connect();
  }

  serve(): void {
    this.#serving = merge(
      this.#feed.deviceLists(this.tracker),
      serveKeyQueries(this.machine, this.tracker, { scheduler: this.time }),
    ).subscribe({
      next: (served) => this.served.push(served),
      error: (error: unknown) => this.served.push(error as Error),
      complete: () => this.served.push("complete"),
    });
  }

  /** Lets time pass, and the machine's promises settle after each ms. */
  async elapse(ms: number): Promise<void> {
    await settled();
    for (let i = 0; i < ms; i++) {
      this.time.advance(1);
      await settled();
    }
  }

  /** Lets a long time pass in which little happens. */
  async leap(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= LEAP) {
      this.time.advance(Math.min(left, LEAP));
      await settled();
    }
  }

  /** The application says whose devices the machine must know. */
  async trackInMachine(...userIds: readonly string[]): Promise<void> {
    await this.machine.updateTrackedUsers(userIds.map((userId) => new this.#engine.UserId(userId)));
  }

  /** The next sync response: first to the machine, then to the tracker. */
  async step(since?: string | null): Promise<void> {
    await this.save(since);
    await this.applySaved();
  }

  /** The first half of a step: the machine gets the response. */
  async save(since?: string | null): Promise<void> {
    this.#saved = this.homeserver.respond(since === undefined ? this.#since : since);
    this.#since = undefined;
    await this.#feed.save(this.#saved);
  }

  /** The second half: the tracker gets it. */
  async applySaved(): Promise<void> {
    if (this.#saved !== undefined) this.#sync$.next(this.#saved);
    await settled();
  }

  /** A step of which the machine gets nothing. */
  async stepOfTracker(): Promise<void> {
    this.#saved = this.homeserver.respond();
    await this.applySaved();
  }

  /** The machine learns of a change, and the tracker does not. */
  async machineIsTold(userId: string): Promise<void> {
    await this.#feed.save({ next_batch: "", device_lists: { changed: [userId] } });
  }

  syncFails(error: Error): void {
    this.#sync$.error(error);
    this.#sync$ = new Subject();
  }

  addDevice(userId: string, deviceId: string, properties: object = {}): void {
    this.homeserver.addDevice(userId, deviceId, this.account(userId).device(deviceId, { properties }));
  }

  /** The server lists a device with the keys of another user's device of that ID. */
  replaceKey(userId: string, deviceId: string, other: string): void {
    const key = keyPair(`${other} ${deviceId}`);
    this.homeserver.addDevice(userId, deviceId, this.account(userId).device(deviceId, { key, signedBy: ["itself"] }));
  }

  /** Gives a user a new identity. Their devices are as they were. */
  resetIdentity(userId: string, name: string): void {
    this.account(userId);
    const account = signedAccount(userId, name);
    this.#accounts.set(userId, account);
    this.homeserver.setCrossSigningKey(userId, "master_keys", account.masterKey);
    this.homeserver.setCrossSigningKey(userId, "self_signing_keys", account.selfSigningKey);
  }

  /** Whether the machine has the identity that the user has now; true if the engine does not show it. */
  async hasIdentity(userId: string): Promise<boolean> {
    if (!("getIdentity" in this.machine)) return true;
    const identity = await this.machine.getIdentity(new this.#engine.UserId(userId));
    const account = this.#accounts.get(userId);
    const isReset = account !== undefined && account !== this.#first.get(userId);
    return isReset ? identity?.masterKey.includes(account.master.publicKey) === true : identity === undefined;
  }

  account(userId: string): SignedAccount {
    let account = this.#accounts.get(userId);
    if (account === undefined) this.#accounts.set(userId, (account = signedAccount(userId)));
    if (!this.#first.has(userId)) this.#first.set(userId, account);
    return account;
  }

  /** Users that the machine asks for. */
  async asked(): Promise<readonly string[]> {
    const requests = await this.machine.outgoingRequests();
    return requests.flatMap(({ type, body }) =>
      type === RequestType.KeysQuery ? Object.keys((JSON.parse(body) as { device_keys: object }).device_keys) : [],
    );
  }

  async devicesOf(userId: string): Promise<readonly string[]> {
    const devices = await this.machine.getUserDevices(new this.#engine.UserId(userId));
    return Array.from(devices.devices(), ({ deviceId }) => deviceId.toString()).sort();
  }

  /** Forgets what was observed so far. */
  forget(): void {
    this.served.length = 0;
    this.homeserver.queries.length = 0;
  }

  /** Users of each query that reached the homeserver. */
  get queried(): readonly (readonly string[])[] {
    return this.homeserver.queries.map(({ userIds }) => userIds);
  }

  unsubscribe(): void {
    this.#serving?.unsubscribe();
  }

  close(): void {
    this.unsubscribe();
    this.tracker.close();
  }
}
