import { defer, EMPTY, NEVER, of, type Observable } from "rxjs";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { UserId } from "../../src/model/ids.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../../src/model/results.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import type { DeviceTrackerOptions } from "../../src/tracker/options.js";
import type { RecipientPolicy } from "../../src/trust/recipient-policy.js";
import { recipients } from "../../src/trust/recipients.js";
import { ManualTime } from "./manual-time.js";
import { nodeVerifier } from "./node-verifier.js";
import { keyPair, signed, signedAccount, signedAnswer } from "./signed-account.js";
import { ALICE, BOB } from "./users.js";

export const alice = signedAccount(ALICE);
export const bob = signedAccount(BOB);
export const mallory = signedAccount(BOB, "mallory");
export const mallorysAlice = signedAccount(ALICE, "mallory");
export const malloryKey = keyPair("mallory's device");
export const phone = bob.device("PHONE");
export const curveOf = (device: typeof phone) => device.keys[`curve25519:${device.device_id}`] ?? "";

export const ours = { account: alice };
export const honest = signedAnswer(ours, { account: bob, devices: [phone] });
/** Another identity of Bob's, with another key of his phone. */
export const swapped = signedAnswer(ours, {
  account: mallory,
  devices: [mallory.device("PHONE", { key: malloryKey })],
});
export const verifiedBob = signed(bob.masterKey, ALICE, alice.userSigning);

/** Our tracker, and a server that answers as the test says. */
export class Scene {
  readonly store: DeviceStore;
  readonly problems: TrackerProblem[] = [];
  readonly #options: Partial<DeviceTrackerOptions>;
  tracker: DeviceTracker;
  /** Instead of the answers that {@link look} says. */
  answer$: Observable<KeysQueryResponse> | undefined;
  #response: KeysQueryResponse = {};

  readonly #scheduler: ManualTime;

  constructor({
    store = memoryStore(),
    scheduler = new ManualTime(),
    ...options
  }: Partial<Omit<DeviceTrackerOptions, "scheduler">> & { readonly scheduler?: ManualTime } = {}) {
    this.store = store;
    this.#scheduler = scheduler;
    this.#options = options;
    this.tracker = this.#open();
  }

  restart(): this {
    this.tracker.close();
    this.tracker = this.#open();
    return this;
  }

  /** Looks Bob and us up while the server answers this. */
  look(response: KeysQueryResponse, users: readonly UserId[] = [ALICE, BOB]): DeviceKeysByUser {
    this.#response = response;
    let result: DeviceKeysByUser | undefined;
    this.tracker.getDeviceKeys(users, { forceDownload: true }).subscribe((one) => (result = one));
    this.#scheduler.advance(0); // long lists are processed in a task of their own
    if (result === undefined) throw new Error("there is no result");
    return result;
  }

  bob(response: KeysQueryResponse): UserDeviceKeys {
    return this.look(response).get(BOB)!;
  }

  #open(): DeviceTracker {
    const tracker = new DeviceTracker({
      userId: ALICE,
      sync$: NEVER,
      scheduler: this.#scheduler,
      verifier: nodeVerifier,
      keysApi: { query: () => defer(() => this.answer$ ?? of(this.#response)), changes: () => EMPTY },
      store: this.store,
      ...this.#options,
    });
    tracker.problems$.subscribe((problem) => this.problems.push(problem));
    tracker.track([BOB]).subscribe({ error: () => {} }); // if the store cannot be opened
    return tracker;
  }
}

export const chosen = (user: UserDeviceKeys, policy?: RecipientPolicy) =>
  recipients(new Map([[BOB, user]]), policy).devices.map(({ deviceId }) => deviceId);
export const reasons = (user: UserDeviceKeys, policy?: RecipientPolicy) =>
  recipients(new Map([[BOB, user]]), policy).leftOut.map(({ deviceId, reason }) => `${deviceId} ${reason}`);
export const confirmed = { ownMasterKey: alice.master.publicKey };
