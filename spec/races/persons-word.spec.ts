import { firstValueFrom, Subject, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { UserDeviceKeys } from "../../src/model/results.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { FlakyStore } from "../support/flaky-store.js";
import { ManualTime } from "../support/manual-time.js";
import { keyPair, signedAnswer } from "../support/signed-account.js";
import {
  bob,
  chosen,
  confirmed,
  curveOf,
  honest,
  mallory,
  mallorysAlice,
  ours,
  phone,
  Scene,
  swapped,
  verifiedBob,
} from "../support/trust-scene.js";
import { ALICE, BOB } from "../support/users.js";

const newKey = keyPair("new");
const phoneKey = keyPair(`${BOB} PHONE`).publicKey;
/** Bob's phone with other keys, which only it has signed. */
const phoneWith = (name: string) =>
  bob.device("PHONE", { key: keyPair(name), curve25519: curveOf(bob.device(name)), signedBy: ["itself"] });
const answerWith = (...devices: readonly (typeof phone)[]) => signedAnswer(ours, { account: bob, devices });
const [rekeyed, third] = [phoneWith("new"), phoneWith("third")];
const [withRekeyed, withThird] = [answerWith(rekeyed), answerWith(third)];
const verified = signedAnswer(ours, { account: bob, masterKey: verifiedBob, devices: [phone] });
const noIdentity = { masterKey: undefined, selfSigningKey: undefined, userSigningKey: undefined };
const without = signedAnswer(ours, {
  account: bob,
  ...noIdentity,
  devices: [bob.device("PHONE", { signedBy: ["itself"] })],
});

const isOver = (call$: Observable<void>): (() => boolean) => {
  let isDone = false;
  call$.subscribe({ complete: () => (isDone = true), error: () => {} });
  return () => isDone;
};
const done = (call$: Observable<void>) => expect(isOver(call$)()).toBe(true);
const codes = ({ rejected }: UserDeviceKeys) => Array.from(rejected.values(), ({ code }) => code);

/** A store that fails as the test says, and whose announcements may get lost. */
function unreliable(inner: DeviceStore) {
  const store = new FlakyStore(inner);
  const announced$ = new Subject<unknown>();
  let isDeaf = false;
  inner.commits$.subscribe((one) => {
    if (!isDeaf) announced$.next(one);
  });
  Object.defineProperty(store, "commits$", { get: () => announced$ });
  const sleep = () => (isDeaf = true);
  const wake = () => {
    isDeaf = false;
    announced$.next(undefined);
  };
  return { store, sleep, wake };
}

/** A page whose store cannot be opened, beside one (`there`) that has saved something in it. */
function standingIn(responses: readonly KeysQueryResponse[], options: ConstructorParameters<typeof Scene>[0] = {}) {
  const inner = memoryStore();
  const scheduler = new ManualTime();
  const there = new Scene({ store: inner, scheduler, ...options });
  for (const response of responses) there.look(response);
  const store = new FlakyStore(inner);
  store.fails = "always";
  return { store, scheduler, there, scene: new Scene({ store, scheduler, ...options }) };
}

describe("a device that a person has forgotten", () => {
  it("is accepted when it comes again, whatever the clock says", () => {
    const store = memoryStore();
    const late = new ManualTime();
    late.advance(1_000_000);
    const scene = new Scene({ store, scheduler: late });
    scene.bob(honest);
    done(scene.tracker.forgetDevice(BOB, "PHONE"));
    scene.tracker.close();
    const { freshness, deviceKeys, rejected } = new Scene({ store }).bob(honest);
    expect([freshness, [...deviceKeys.keys()], rejected.size]).toEqual(["current", ["PHONE"], 0]);
  });

  it.each(["never", "to write", "always"] as const)(
    "is not brought back by a late answer, in the same millisecond either; the store fails: %s",
    (fails) => {
      const inner = memoryStore();
      new Scene({ store: inner }).bob(honest);
      const store = new FlakyStore(inner);
      const scheduler = new ManualTime();
      const scene = new Scene({ store, scheduler });
      scene.tracker.getDeviceKeys([ALICE, BOB]).subscribe();
      const late$ = (scene.answer$ = new Subject<KeysQueryResponse>());
      scene.tracker.getDeviceKeys([BOB], { forceDownload: true }).subscribe();
      store.fails = fails;
      const isDone = isOver(scene.tracker.forgetDevice(BOB, "PHONE"));
      expect(isDone()).toBe(fails === "never");
      late$.next(honest);
      scheduler.advance(1_000);
      store.fails = "never";
      scene.answer$ = undefined;
      scheduler.advance(10_000);
      expect(isDone()).toBe(true);
      const { rejected, deviceKeys } = scene.bob(withRekeyed);
      expect([[...rejected], deviceKeys.get("PHONE")]).toEqual([[], rekeyed]);
    },
  );

  it("is not brought back by a late answer, however many were forgotten at once", () => {
    const scene = new Scene();
    const ids = Array.from({ length: 40 }, (_, i) => `D${i}`);
    const all = answerWith(...ids.map((id) => bob.device(id)));
    scene.bob(all);
    const late$ = (scene.answer$ = new Subject<KeysQueryResponse>());
    scene.tracker.getDeviceKeys([BOB], { forceDownload: true }).subscribe();
    for (const id of ids) done(scene.tracker.forgetDevice(BOB, id));
    late$.next(all);
    scene.answer$ = undefined;
    const first = bob.device("D0", { key: newKey, curve25519: curveOf(phone), signedBy: ["itself"] });
    expect(codes(scene.bob(answerWith(first)))).toEqual([]);
  });

  it.each([3, 1_200])("is not brought back by a tab that has missed %d commits", (missed) => {
    const inner = memoryStore();
    const { store, sleep, wake } = unreliable(inner);
    const scheduler = new ManualTime();
    const [here, there] = [new Scene({ store, scheduler }), new Scene({ store: inner })];
    here.bob(honest);
    store.fails = "to write";
    here.bob(honest);
    store.fails = "never";
    sleep();
    done(there.tracker.forgetDevice(BOB, "PHONE"));
    for (let i = 0; i < missed; i++) there.tracker.invalidate([ALICE]).subscribe();
    wake();
    scheduler.advance(1);
    expect(codes(here.bob(withRekeyed))).toEqual([]);
  });

  it.each([true, false])(
    "gets no messages while that is not durable; its list is in memory: %j",
    async (isInMemory) => {
      const inner = memoryStore();
      new Scene({ store: inner }).bob(honest);
      const store = new FlakyStore(inner);
      const scene = new Scene({ store });
      if (isInMemory) scene.tracker.getDeviceKeys([BOB]).subscribe();
      store.fails = "to write";
      scene.tracker.forgetDevice(BOB, "PHONE").subscribe({ error: () => {} });
      const known = (await firstValueFrom(scene.tracker.getKnownDeviceKeys([BOB]))).get(BOB);
      expect([known?.freshness, known?.deviceKeys.size]).toEqual(["outdated", 0]);
      expect(chosen(scene.bob({ device_keys: {}, failures: { "example.org": {} } }))).toEqual([]);
      const { state } = await firstValueFrom(scene.tracker.findSender({ userId: BOB, curve25519: curveOf(phone) }));
      expect(state).toBe("unknown");
    },
  );

  it("of our own does not restore a key of ours that is in doubt", () => {
    const inner = memoryStore();
    const { store, sleep } = unreliable(inner);
    const [here, there] = [new Scene({ store, ...confirmed }), new Scene({ store: inner, ...confirmed })];
    expect(here.bob(verified).identity.verified).toBe(true);
    sleep();
    there.look(signedAnswer({ account: mallorysAlice }, { account: bob, masterKey: verifiedBob, devices: [phone] }));
    expect(here.look(verified, [BOB]).get(BOB)?.identity.verified).toBe(false);
    done(here.tracker.forgetDevice(ALICE, "X"));
    let isVerified: boolean | undefined;
    here.tracker.getKnownDeviceKeys([BOB]).subscribe((users) => (isVerified = users.get(BOB)?.identity.verified));
    expect(isVerified).toBe(false);
  });
});

describe("a device that a person has forgotten while memory stands in", () => {
  it("is not hidden in the store, whose commits have other numbers", () => {
    const { store, scheduler, scene, there } = standingIn([]);
    scene.bob(honest);
    for (let i = 0; i < 50; i++) done(scene.tracker.invalidate([BOB]));
    done(scene.tracker.forgetDevice(BOB, "PHONE"));
    scheduler.advance(1_000);
    there.bob(honest);
    store.fails = "never";
    scheduler.advance(40_000);
    const { freshness, deviceKeys, rejected } = there.restart().bob(honest);
    expect([freshness, [...deviceKeys.keys()], rejected.size]).toEqual(["current", ["PHONE"], 0]);
  });
});

describe("a person's word that waited for the store", () => {
  it.each(["forget", "acknowledge"])("does not undo a later one of another tab: %s", (word) => {
    const inner = memoryStore();
    const store = new FlakyStore(inner);
    const scheduler = new ManualTime();
    const [here, there] = [new Scene({ store, scheduler }), new Scene({ store: inner, scheduler })];
    here.bob(honest);
    store.fails = "to write";
    const { tracker } = here;
    isOver(
      word === "forget"
        ? tracker.forgetDevice(BOB, "PHONE")
        : tracker.acknowledgeDevice(BOB, "PHONE", keyPair("older").publicKey),
    );
    scheduler.advance(10);
    done(there.tracker.acknowledgeDevice(BOB, "PHONE", newKey.publicKey));
    expect(codes(there.bob(withRekeyed))).toEqual([]);
    store.fails = "never";
    scheduler.advance(100_000);
    expect(codes(there.bob(withThird))).toEqual(["key-changed"]);
    expect(codes(there.bob(withRekeyed))).toEqual([]);
  });

  it("does not undo what was seen since, when the store takes the place of memory", () => {
    const { store, scheduler, scene } = standingIn([honest]);
    scene.look(honest);
    done(scene.tracker.forgetDevice(BOB, "PHONE"));
    scheduler.advance(1_000);
    expect(codes(scene.bob(withRekeyed))).toEqual([]);
    store.fails = "never";
    scheduler.advance(31_000);
    expect(codes(scene.bob(withThird))).toEqual(["key-changed"]);
  });

  it("counts in the chain of evidence at once", async () => {
    const store = new FlakyStore(memoryStore());
    const scene = new Scene({ store });
    scene.bob(without);
    store.fails = "to write";
    isOver(scene.tracker.acknowledgeDevice(BOB, "PHONE", phoneKey));
    expect((await firstValueFrom(scene.tracker.explain(BOB, "PHONE"))).trust).toBe("acknowledged");
  });
});

describe("a key that a person has acknowledged", () => {
  const evil = mallory.device("PHONE", { key: keyPair("evil"), curve25519: curveOf(bob.device("EVIL")) });
  const evilAnswer = signedAnswer(ours, { account: mallory, devices: [evil] });

  it("stays so when its owner is verified as well, and then has another identity", () => {
    const scene = new Scene(confirmed);
    scene.bob(honest);
    done(scene.tracker.acknowledgeDevice(BOB, "PHONE", phoneKey));
    scene.bob(verified);
    expect(codes(scene.bob(evilAnswer))).toEqual(["key-changed"]);
    done(scene.tracker.acknowledgeIdentity(BOB, mallory.master.publicKey));
    expect(codes(scene.bob(evilAnswer))).toEqual(["key-changed"]);
  });

  it("stays so when that its owner was verified is withdrawn", () => {
    const scene = new Scene(confirmed);
    scene.bob(honest);
    done(scene.tracker.acknowledgeDevice(BOB, "PHONE", phoneKey));
    scene.bob(verified);
    done(scene.tracker.withdrawVerification(BOB));
    const other = bob.device("PHONE", { key: keyPair("evil"), curve25519: curveOf(bob.device("EVIL")) });
    expect(codes(scene.bob(answerWith(other)))).toEqual(["key-changed"]);
  });
});

describe("that a user has no identity", () => {
  it("lasts when the store takes the place of memory", () => {
    const { store, scheduler, scene } = standingIn([honest]);
    scene.bob(honest);
    scene.bob(without);
    done(scene.tracker.acknowledgeIdentity(BOB, undefined));
    expect(scene.bob(without).identity.state).toBe("none");
    store.fails = "never";
    scheduler.advance(31_000);
    expect(scene.bob(without).identity.state).toBe("none");
  });

  it("is not said to the store if it was refused", async () => {
    const { store, scheduler, scene } = standingIn([honest]);
    scene.bob(honest);
    await expect(firstValueFrom(scene.tracker.acknowledgeIdentity(BOB, undefined))).rejects.toThrow("master key");
    store.fails = "never";
    scheduler.advance(31_000);
    expect(scene.bob(swapped).identity.state).toBe("changed");
  });

  it("does not undo a later word of another tab", () => {
    const { store, scheduler, scene, there } = standingIn([honest]);
    scene.bob(without);
    done(scene.tracker.acknowledgeIdentity(BOB, undefined));
    scheduler.advance(1_000);
    there.bob(swapped);
    done(there.tracker.acknowledgeIdentity(BOB, mallory.master.publicKey));
    store.fails = "never";
    scheduler.advance(31_000);
    expect(there.bob(honest).identity.state).toBe("changed");
  });

  it("outweighs what could not be saved before", () => {
    const store = new FlakyStore(memoryStore());
    const scene = new Scene({ store });
    store.fails = "to write";
    scene.bob(honest);
    expect(scene.bob(without).identity.state).toBe("removed");
    store.fails = "never";
    done(scene.tracker.acknowledgeIdentity(BOB, undefined));
    expect(scene.bob(without).identity.state).toBe("none");
  });

  it("outweighs a late answer", () => {
    const scene = new Scene();
    scene.bob(honest);
    const late$ = (scene.answer$ = new Subject<KeysQueryResponse>());
    scene.tracker.getDeviceKeys([BOB], { forceDownload: true }).subscribe();
    done(scene.tracker.invalidate([BOB]));
    scene.answer$ = undefined;
    scene.bob(without);
    done(scene.tracker.acknowledgeIdentity(BOB, undefined));
    late$.next(honest);
    expect(scene.bob(without).identity.state).toBe("none");
  });

  it("is refused if memory alone knows of one", async () => {
    const store = new FlakyStore(memoryStore());
    const scene = new Scene({ store });
    store.fails = "to write";
    scene.bob(honest);
    store.fails = "never";
    await expect(firstValueFrom(scene.tracker.acknowledgeIdentity(BOB, undefined))).rejects.toThrow("master key");
  });
});

describe("that a person has withdrawn a verification", () => {
  it("is not undone by a tab that has missed it", () => {
    const inner = memoryStore();
    const { store, sleep, wake } = unreliable(inner);
    const scheduler = new ManualTime();
    const [here, there] = [new Scene({ store, scheduler, ...confirmed }), new Scene({ store: inner, ...confirmed })];
    here.bob(verified);
    store.fails = "to write";
    here.bob(honest);
    store.fails = "never";
    there.bob(honest);
    sleep();
    done(there.tracker.withdrawVerification(BOB));
    wake();
    scheduler.advance(1);
    for (const scene of [here, there]) expect(scene.bob(honest).identity.wasVerified).toBe(false);
  });

  it.each([0, 1, 2, 3])("lasts if the store fails again after %d updates", (updates) => {
    const { store, scheduler, scene } = standingIn([verified, honest], confirmed);
    scene.look(honest);
    done(scene.tracker.withdrawVerification(BOB));
    store.fails = "never";
    store.updatesLeft = updates;
    scheduler.advance(30_500);
    store.updatesLeft = Number.POSITIVE_INFINITY;
    scheduler.advance(200_000);
    expect(scene.bob(honest).identity.wasVerified).toBe(false);
  });
});
