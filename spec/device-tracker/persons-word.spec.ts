import { firstValueFrom, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/store/memory-store.js";
import { listKey } from "../../src/store/records.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import { FlakyStore } from "../support/flaky-store.js";
import { ManualTime } from "../support/manual-time.js";
import { put } from "../support/saved.js";
import { keyPair, signedAnswer } from "../support/signed-account.js";
import {
  bob,
  confirmed,
  curveOf,
  honest,
  mallory,
  ours,
  phone,
  reasons,
  Scene,
  verifiedBob,
} from "../support/trust-scene.js";
import { ALICE, BOB } from "../support/users.js";

const newKey = keyPair("new");
/** A phone of the same ID with other keys. */
const rekeyed = bob.device("PHONE", { key: newKey, curve25519: curveOf(bob.device("OTHER")), signedBy: ["itself"] });
const withRekeyed = signedAnswer(ours, { account: bob, devices: [rekeyed] });
const verified = signedAnswer(ours, { account: bob, masterKey: verifiedBob, devices: [phone] });

/** Waits for nothing: everything here is synchronous. */
function done(call$: Observable<void>): void {
  let isDone = false;
  call$.subscribe({ complete: () => (isDone = true) });
  expect(isDone).toBe(true);
}
const shown = (users: DeviceKeysByUser) => {
  const { freshness, deviceKeys } = users.get(BOB)!;
  return [freshness, ...deviceKeys.keys()].join(" ");
};
/** What a watcher of Bob shows from now on. */
function watching({ tracker }: Scene): string[] {
  const seen: string[] = [];
  tracker.watchDeviceKeys([BOB]).subscribe((users) => seen.push(shown(users)));
  return seen;
}

describe("what a person says of a device is one transaction with the change that makes its user outdated", () => {
  it("so that no watcher shows the list without it as current, in this tab or another", () => {
    const store = memoryStore();
    const [here, there] = [new Scene({ store }), new Scene({ store })];
    here.bob(honest);
    there.bob(honest);
    const seen = [watching(here), watching(there)];
    done(here.tracker.forgetDevice(BOB, "PHONE"));
    for (const all of seen) {
      expect(all).not.toContain("current");
      expect(all.at(-1)).toBe("current PHONE"); // it was queried again
    }
  });

  it("so that no crash comes in between", () => {
    const inner = memoryStore();
    const store = new FlakyStore(inner);
    const scene = new Scene({ store });
    scene.bob(honest);
    store.updatesLeft = 1;
    scene.tracker.forgetDevice(BOB, "PHONE").subscribe({ error: () => {} });
    let known = "";
    new Scene({ store: inner }).tracker.getKnownDeviceKeys([BOB]).subscribe((users) => (known = shown(users)));
    expect(known).toBe("outdated");
  });

  it("so that it takes its place among the changes of another tab", () => {
    const store = memoryStore();
    const [here, there] = [new Scene({ store }), new Scene({ store })];
    here.bob(withRekeyed);
    done(there.tracker.invalidate([BOB])); // the head has moved
    done(here.tracker.acknowledgeDevice(BOB, "PHONE", newKey.publicKey));
    done(there.tracker.forgetDevice(BOB, "PHONE"));
    expect(here.bob(honest).rejected.size).toBe(0);
  });
});

describe("what a person has said is not brought back", () => {
  it("by what another tab could not save", () => {
    const inner = memoryStore();
    const store = new FlakyStore(inner);
    const [here, there] = [new Scene({ store, ...confirmed }), new Scene({ store: inner, ...confirmed })];
    here.bob(verified);
    store.fails = "to write";
    here.bob(honest);
    store.fails = "never";
    there.bob(honest);
    done(there.tracker.withdrawVerification(BOB));
    done(there.tracker.forgetDevice(BOB, "PHONE"));
    for (const scene of [there, here]) {
      const { rejected, identity } = scene.bob(withRekeyed);
      expect([rejected.size, identity.wasVerified]).toEqual([0, false]);
    }
  });

  it("by the store that memory stood in for", () => {
    const inner = memoryStore();
    const former = new Scene({ store: inner, ...confirmed });
    former.look(verified);
    former.look(honest);
    former.tracker.close();
    const store = new FlakyStore(inner);
    store.fails = "always";
    const scheduler = new ManualTime();
    const scene = new Scene({ store, scheduler, ...confirmed });
    scene.look(honest);
    done(scene.tracker.withdrawVerification(BOB));
    done(scene.tracker.forgetDevice(BOB, "PHONE"));
    store.fails = "never";
    scheduler.advance(31_000);
    const { rejected, identity } = scene.bob(withRekeyed);
    expect([rejected.size, identity.wasVerified]).toEqual([0, false]);
  });
});

describe("a person's word about an identity", () => {
  const plain = { masterKey: undefined, selfSigningKey: undefined, userSigningKey: undefined };
  const selfSigned = bob.device("PHONE", { signedBy: ["itself"] });
  const without = signedAnswer(ours, { account: bob, ...plain, devices: [selfSigned] });

  it("can be that there is none, once what was pinned is lost", () => {
    const scene = new Scene();
    scene.bob(without);
    scene.tracker.close();
    put(scene.store, [listKey(BOB), "damaged"]);
    scene.restart();
    const { identity } = scene.bob(without);
    expect(identity.state).toBe("unknown");
    done(scene.tracker.acknowledgeIdentity(BOB, identity.masterKey));
    expect(scene.bob(without).identity.state).toBe("none");
    expect(reasons(scene.bob(without), { devices: "all" })).toEqual([]);
  });

  it("can be that there is none any more; a key that comes then is a new one", () => {
    const scene = new Scene();
    scene.bob(honest);
    expect(scene.bob(without).identity.state).toBe("removed");
    done(scene.tracker.acknowledgeIdentity(BOB, undefined));
    expect(scene.bob(without).identity.state).toBe("none");
    expect(scene.bob(honest).identity.state).toBe("unchanged");
  });

  it("is refused if there is one in the meantime", async () => {
    const scene = new Scene();
    scene.bob(honest);
    await expect(firstValueFrom(scene.tracker.acknowledgeIdentity(BOB, undefined))).rejects.toThrow(
      `the master key of ${BOB} is ${bob.master.publicKey} now: compare the current key before you acknowledge it`,
    );
  });

  it("frees what an identity has signed that it was not", () => {
    const scene = new Scene(confirmed);
    scene.bob(signedAnswer(ours, { account: mallory, devices: [selfSigned] }));
    const evil = mallory.device("PHONE", { key: keyPair("evil"), curve25519: curveOf(bob.device("EVIL")) });
    scene.bob(signedAnswer(ours, { account: mallory, devices: [evil] }));
    const user = scene.bob(verified);
    expect([user.identity.verified, reasons(user)]).toEqual([true, []]);
  });

  it("has an acknowledged device stay when another one claims its curve25519 key", () => {
    const scene = new Scene();
    scene.bob(without);
    done(scene.tracker.acknowledgeDevice(BOB, "PHONE", keyPair(`${BOB} PHONE`).publicKey));
    const thief = bob.device("THIEF", { signedBy: ["itself"], curve25519: curveOf(phone) });
    const { deviceKeys } = scene.bob(signedAnswer(ours, { account: bob, ...plain, devices: [selfSigned, thief] }));
    expect([...deviceKeys.keys()]).toEqual(["PHONE"]);
  });
});

describe("another ed25519 key", () => {
  it("with a signature that is not valid is another key all the same: the device gets no messages", () => {
    const scene = new Scene();
    scene.look(honest, [ALICE, BOB]);
    const forged = { ...rekeyed, signatures: { [BOB]: { "ed25519:PHONE": "A".repeat(86) } } };
    const user = scene.bob(signedAnswer(ours, { account: bob, devices: [forged] }));
    expect(reasons(user)).toEqual(["PHONE key-changed"]);
    expect(reasons(scene.bob(honest))).toEqual([]);
  });
});
