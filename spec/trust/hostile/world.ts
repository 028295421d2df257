import { defer, EMPTY, NEVER, of } from "rxjs";
import { DeviceTracker } from "../../../src/device-tracker.js";
import { deviceKey } from "../../../src/keys/device-key.js";
import type { DeviceId } from "../../../src/model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../../../src/model/results.js";
import { readListRecord } from "../../../src/lists/list-record.js";
import { memoryStore } from "../../../src/store/memory-store.js";
import { listKey, OWNER } from "../../../src/store/records.js";
import { applyPins } from "../../../src/trust/apply-pins.js";
import { sameDeviceList } from "../../../src/trust/device-list.js";
import { unpinned } from "../../../src/trust/identity.js";
import { recipients } from "../../../src/trust/recipients.js";
import { ManualTime } from "../../support/manual-time.js";
import { nodeVerifier } from "../../support/node-verifier.js";
import { put, saved } from "../../support/saved.js";
import { ALICE, BOB } from "../../support/users.js";
import type { Event, History } from "./history.js";
import { answerWith, type Told } from "./lies.js";
import { ours, Owner, UNVERIFIED } from "./owner.js";

const LOST = "lost";

/** Bob, a server that may say anything, and two trackers of ours on one store. */
export class HostileWorld {
  readonly #owner = new Owner();
  readonly #scheduler = new ManualTime();
  readonly #store = memoryStore();
  readonly #isConfirmed: boolean;
  readonly #trackers: DeviceTracker[];
  readonly #notes: string[] = [];
  #told: Told = answerWith(this.#owner, []);
  /** The master key that is pinned, as results have shown; {@link LOST} after damage, until a person acknowledges one. */
  #pinned: string | undefined;
  #hasLostDevices = false;
  readonly #retiredMasters = new Set<string>();
  /** The key of each device that was accepted last, and those before it. */
  readonly #accepted = new Map<DeviceId, string>();
  readonly #retired = new Map<DeviceId, Set<string>>();
  /** Devices with a key that a person has acknowledged. */
  readonly #acknowledged = new Map<DeviceId, string>();

  constructor({ isConfirmed }: Pick<History, "isConfirmed">) {
    this.#isConfirmed = isConfirmed;
    this.#trackers = [this.#open(), this.#open()];
  }

  /** Throws, with what has happened, if something is trusted that is not Bob's, or left out that is. */
  run(events: readonly Event[]): void {
    for (const event of events) {
      this.#notes.push(JSON.stringify(event));
      this.#happen(event);
    }
    for (const tracker of this.#trackers) tracker.close();
  }

  #happen(event: Event): void {
    switch (event.type) {
      case "lookup":
        this.#lookUp(event.tracker, event.lies.length === 0, answerWith(this.#owner, event.lies));
        break;
      case "adds or re-keys":
        this.#owner.addDevice(event.deviceId);
        break;
      case "removes":
        this.#owner.removeDevice(event.deviceId);
        break;
      case "rotates":
        this.#owner.rotate();
        break;
      case "resets":
        this.#owner.reset();
        break;
      case "is verified":
        this.#owner.verify();
        break;
      case "restart":
        this.#restart(event.tracker);
        break;
      case "damage":
        this.#damage(event.what);
        break;
      case "acknowledge identity":
        this.#acknowledgeIdentity(event.tracker);
        break;
      case "withdraw":
        this.#tracker(event.tracker).withdrawVerification(BOB).subscribe();
        break;
      case "acknowledge device":
        this.#acknowledgeDevice(event.tracker, event.deviceId);
        break;
    }
  }

  #open(): DeviceTracker {
    const tracker = new DeviceTracker({
      userId: ALICE,
      sync$: NEVER,
      scheduler: this.#scheduler,
      store: this.#store,
      verifier: nodeVerifier,
      keysApi: { query: () => defer(() => of(this.#told.response)), changes: () => EMPTY },
      ...(this.#isConfirmed && { ownMasterKey: ours.master.publicKey }),
    });
    tracker.track([BOB]).subscribe();
    return tracker;
  }

  #tracker(index: number): DeviceTracker {
    const tracker = this.#trackers[index];
    if (tracker === undefined) throw new Error(`there is no tracker ${index}`);
    return tracker;
  }

  #restart(index: number): void {
    this.#tracker(index).close();
    this.#trackers[index] = this.#open();
  }

  #lookUp(index: number, isHonest: boolean, told: Told): void {
    this.#told = told;
    let result: DeviceKeysByUser | undefined;
    this.#tracker(index)
      .getDeviceKeys([ALICE, BOB], { forceDownload: true })
      .subscribe((one) => (result = one));
    const bob = result?.get(BOB);
    if (result === undefined || bob === undefined) this.#fail("there is no result");
    this.#checkIdentity(bob);
    this.#checkDevices(bob);
    this.#checkSettled();
    const { devices } = recipients(new Map([[BOB, bob]]));
    const all = recipients(new Map([[BOB, bob]]), { devices: "all" }).devices;
    if (this.#pinned !== undefined && this.#owner.madeMaster(this.#pinned))
      for (const { deviceId, device } of devices) {
        if (!this.#owner.made(deviceId, device)) this.#fail(`${deviceId} is a recipient, and not Bob's`);
        if (this.#retired.get(deviceId)?.has(deviceKey(device, "ed25519") ?? "") === true)
          this.#fail(`${deviceId} is a recipient with a key that was replaced`);
      }
    if (isHonest) this.#checkNoneIsLeftOut(bob, new Set([...devices, ...all].map(({ deviceId }) => deviceId)));
  }

  /** The same list once more changes nothing: a tracker need not compare it with the pins again. */
  #checkSettled(): void {
    const { pins, saved: last } = readListRecord(saved(this.#store, listKey(BOB)), BOB);
    if (last === undefined || last.list.rejected.size > 0 || last.list.identity.signedBy.length > 0) return;
    const { list } = last;
    const again = applyPins({ ...list, identity: unpinned(list.identity) }, pins, list, { refusesUnsigned: false });
    if (again.pins !== pins || !sameDeviceList(again.list, list)) this.#fail("a list that is saved is not settled");
  }

  #checkIdentity({ identity: { state, masterKey, verified } }: UserDeviceKeys): void {
    if (verified && !(this.#isConfirmed && this.#told.hasOurIdentity && this.#owner.verified.has(masterKey ?? "")))
      this.#fail(`${masterKey ?? "no key"} is verified, and nobody has`);
    if (state !== "unchanged" || masterKey === undefined) return;
    if (this.#pinned === LOST) this.#fail("the pins were lost, and the identity is unchanged");
    if (this.#pinned !== undefined && masterKey !== this.#pinned) {
      if (!verified || this.#retiredMasters.has(masterKey))
        this.#fail(`${masterKey} is unchanged, after ${this.#pinned}`);
      this.#retireMaster(this.#pinned);
    }
    this.#pinned = masterKey;
  }

  /** What a former identity has signed does not count: keys that it replaced may come back. */
  #retireMaster(masterKey: string): void {
    this.#retiredMasters.add(masterKey);
    for (const deviceId of this.#retired.keys()) if (!this.#acknowledged.has(deviceId)) this.#retired.delete(deviceId);
  }

  /** Which keys have been accepted, and which replaced. */
  #checkDevices({ deviceKeys, deviceStatus, rejected }: UserDeviceKeys): void {
    const curve25519 = Array.from(deviceKeys.values(), (device) => deviceKey(device, "curve25519"));
    if (new Set(curve25519).size < curve25519.length) this.#fail("two devices have one curve25519 key");
    for (const [deviceId, device] of deviceKeys) {
      const { signedByItself = false, crossSigned = false } = deviceStatus.get(deviceId) ?? {};
      const key = deviceKey(device, "ed25519");
      if (key === undefined || rejected.has(deviceId) || !(signedByItself || crossSigned)) continue;
      this.#accept(deviceId, key, this.#owner.made(deviceId, device));
    }
  }

  #accept(deviceId: DeviceId, key: string, isBobs: boolean): void {
    const before = this.#accepted.get(deviceId);
    const retired = this.#retired.get(deviceId) ?? new Set();
    this.#retired.set(deviceId, retired);
    if (retired.has(key)) this.#fail(`${deviceId} has a key again that was replaced`);
    if (before !== undefined && before !== key) {
      if (!isBobs && this.#pinned !== undefined && this.#owner.madeMaster(this.#pinned))
        this.#fail(`${deviceId} has another key, which is not Bob's`);
      retired.add(before);
    }
    this.#accepted.set(deviceId, key);
  }

  /** An honest answer: Bob's devices are recipients, unless a person has to decide about his identity or their keys. */
  #checkNoneIsLeftOut({ identity }: UserDeviceKeys, chosen: ReadonlySet<DeviceId>): void {
    if (identity.state !== "unchanged" || (identity.wasVerified && !identity.verified)) return;
    if (identity.masterKey !== this.#owner.masterKey) this.#fail("an honest answer has another master key than Bob's");
    for (const [deviceId, { key }] of this.#owner.devices) {
      const isReplayed = this.#retired.get(deviceId)?.has(key.publicKey) === true; // the server has shown an older key after this one
      const acknowledged = this.#acknowledged.get(deviceId);
      const isPinnedByPerson = acknowledged !== undefined && acknowledged !== key.publicKey;
      if (deviceId === UNVERIFIED && this.#hasLostDevices) continue;
      const isRekeyed = deviceId === UNVERIFIED && (this.#accepted.get(deviceId) ?? key.publicKey) !== key.publicKey;
      if (!chosen.has(deviceId) && !isReplayed && !isPinnedByPerson && !isRekeyed)
        this.#fail(`${deviceId} is left out`);
    }
  }

  /** What is damaged is read by the trackers of the next page. */
  #damage(what: "pins" | "record" | "owner"): void {
    const record = saved(this.#store, listKey(BOB));
    if (what === "owner") put(this.#store, [OWNER, "?"]);
    else if (record === undefined) return;
    else put(this.#store, [listKey(BOB), what === "record" ? "?" : { ...(record as object), pins: "?" }]);
    this.#pinned = LOST;
    this.#hasLostDevices ||= what === "pins"; // those of the list stand in for them, which may be older
    this.#accepted.clear();
    this.#retired.clear();
    this.#acknowledged.clear();
    this.#trackers.forEach((_, i) => {
      this.#restart(i);
    });
  }

  /** A person compares the master key that is shown with Bob's. */
  #acknowledgeIdentity(index: number): void {
    const { masterKey } = this.#owner;
    let isDone = false;
    this.#tracker(index)
      .acknowledgeIdentity(BOB, masterKey)
      .subscribe({ complete: () => (isDone = true), error: () => {} });
    if (!isDone) return;
    if (this.#pinned !== undefined && this.#pinned !== masterKey) this.#retireMaster(this.#pinned);
    this.#retiredMasters.delete(masterKey);
    this.#pinned = masterKey;
  }

  #acknowledgeDevice(index: number, deviceId: DeviceId): void {
    const key = this.#owner.devices.get(deviceId)?.key.publicKey;
    if (key === undefined) return;
    this.#tracker(index).acknowledgeDevice(BOB, deviceId, key).subscribe();
    const before = this.#accepted.get(deviceId);
    const retired = this.#retired.get(deviceId) ?? new Set();
    if (before !== undefined && before !== key) retired.add(before);
    retired.delete(key);
    this.#retired.set(deviceId, retired);
    this.#accepted.set(deviceId, key);
    this.#acknowledged.set(deviceId, key);
  }

  #fail(what: string): never {
    throw new Error(`${what}\n${this.#notes.join("\n")}`);
  }
}
