import { NEVER, throwError, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { UnsavedPins } from "../../src/lists/unsaved-pins.js";
import { PendingEdits } from "../../src/lists/pending-edits.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { listKey } from "../../src/store/records.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import { identityStatus, NO_IDENTITY, type Identity } from "../../src/trust/identity.js";
import { NO_PINS, type Pins } from "../../src/trust/pins.js";
import { storeOfAlice } from "../store/in-store.js";
import { ManualTime } from "../support/manual-time.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { memoryOf } from "./memory-of.js";
import { toSave } from "./save-in.js";
import { alice, bob, phone, pinsFor, selfSigned, swapped, tablet, verified } from "./verified-lists.js";

const revision = { number: 4 };
const bobs = verified(bob, [phone]);

function unsaved(store: DeviceStore = storeOfAlice(), isOurs = true, ownMasterKey?: string) {
  const scheduler = new ManualTime();
  const { memory } = memoryOf({ [BOB]: { revision } });
  const own = { ownUserId: ALICE, ownMasterKey };
  const pins = new UnsavedPins(
    own,
    memory,
    new PendingEdits(),
    store,
    scheduler,
    (owner) => isOurs && owner !== undefined,
  );
  const read = (...userIds: readonly UserId[]) => {
    const found: ReadonlyMap<UserId, Pins>[] = [];
    pins.read(userIds).subscribe((one) => found.push(one));
    return found;
  };
  const decide = (list: DeviceList, saved?: Pins, changes = {}, userId = BOB) =>
    pins.decide(new Map([[userId, toSave(list, changes)]]), new Map(saved && [[userId, saved]])).get(userId);
  return { pins, memory, scheduler, read, decide };
}

describe("a list that cannot be saved", () => {
  it("is compared with what memory has, and what it pins is kept until the next save", () => {
    const { pins, memory, decide } = unsaved();
    memory.keep(BOB, bobs, revision);
    const outcome = decide(selfSigned(bob, [swapped, tablet]));
    expect(outcome).toMatchObject({ state: "saved", before: bobs, pinsDamaged: false });
    expect([...(outcome?.list.deviceKeys.values() ?? [])]).toEqual([phone, tablet]);
    expect(pins.get(BOB)?.devices).toEqual(pinsFor(bob, phone, tablet).devices);
    pins.saved([BOB]);
    expect(pins.get(BOB)).toBeUndefined();
  });

  it("is compared with what earlier unsaved lists pinned", () => {
    const { decide } = unsaved();
    decide(bobs);
    expect(decide(selfSigned(bob, [swapped]))?.list.rejected.get("PHONE")?.code).toBe("key-changed");
  });

  it("is compared with the saved pins first", () => {
    const { decide } = unsaved();
    const outcome = decide(selfSigned(bob, [swapped]), pinsFor(bob, phone));
    expect(outcome?.list.rejected.get("PHONE")?.code).toBe("key-changed");
  });

  it("accepts a key signed by the saved identity, not by one that cannot be compared", () => {
    expect(unsaved().decide(verified(bob, [swapped]), pinsFor(bob, phone))?.list.rejected.size).toBe(0);
    const { decide } = unsaved();
    decide(bobs);
    expect(decide(verified(bob, [swapped]))?.list.rejected.get("PHONE")?.code).toBe("key-changed");
  });

  it("is our own, confirmed one if the application knows it, each time", () => {
    const ours = verified(alice, []);
    const { decide } = unsaved(undefined, undefined, alice.master.publicKey);
    for (let i = 0; i < 2; i++)
      expect(decide(ours, undefined, {}, ALICE)?.list.identity).toEqual({
        ...ours.identity,
        pinnedMasterKey: alice.master.publicKey,
        confirmed: true,
      });
    expect(unsaved().decide(ours, NO_PINS, {}, ALICE)?.list.identity).not.toHaveProperty("confirmed");
  });

  it("is judged by our own key in memory", () => {
    const { memory, decide } = unsaved();
    memory.setOurKey("ours");
    const list = verified(bob, [], { identity: { masterKey: bob.master.publicKey, signedBy: ["ours"] } });
    expect(decide(list, NO_PINS)?.pins).toMatchObject({ masterEvidence: "verified", wasVerified: true });
  });

  it("is compared with the pins that memory knows from the last save", () => {
    const { memory, decide } = unsaved();
    memory.keep(BOB, verified(bob, []), revision, { pins: pinsFor(bob, phone) });
    expect(decide(selfSigned(bob, [swapped]))?.list.rejected.get("PHONE")?.code).toBe("key-changed");
  });

  it("has an unknown identity if neither the store nor memory knows the first one", () => {
    const { memory, decide } = unsaved();
    const state = (saved?: Pins) => {
      const identity = decide(bobs, saved)?.list.identity;
      return identity && identityStatus(identity, undefined).state;
    };
    expect([state(), state()]).toEqual(["unknown", "unknown"]);
    expect(state(NO_PINS)).toBe("unchanged");
    memory.keep(BOB, bobs, revision, { pins: { ...pinsFor(bob), incomplete: true } });
    expect(state()).toBe("unknown");
    memory.keep(BOB, bobs, revision, { pins: pinsFor(bob) });
    expect(state()).toBe("unchanged");
  });

  it("has no unknown identity if memory has it from a list that was compared", () => {
    const { memory, decide } = unsaved();
    const identity: Identity = { masterKey: "first", pinnedMasterKey: bob.master.publicKey, signedBy: [] };
    memory.keep(BOB, verified(bob, [phone], { identity }), revision);
    expect(decide(bobs)?.list.identity).not.toHaveProperty("uncompared");
    memory.keep(BOB, verified(bob, [phone], { identity: { ...identity, uncompared: true } }), revision);
    expect(decide(bobs)?.list.identity).toHaveProperty("uncompared", true);
    memory.keep(BOB, verified(bob, [phone], { identity: NO_IDENTITY }), revision);
    expect(decide(bobs)?.list.identity).toHaveProperty("uncompared", true);
    expect(decide(verified(bob, [phone], { identity: NO_IDENTITY }))?.list.identity).not.toHaveProperty("uncompared");
  });

  it("adds each event to the history once, however often it is decided", () => {
    const { decide } = unsaved();
    const saved: Pins = { ...pinsFor(bob, phone), history: decide(bobs, NO_PINS)?.pins.history ?? [] };
    for (let i = 0; i < 3; i++) expect(decide(bobs, saved)?.pins.history).toEqual(saved.history);
  });

  it("only pins if it is superseded", () => {
    const { pins, decide } = unsaved();
    expect(decide(bobs, undefined, { revision: undefined })?.state).toBe("pinned");
    expect(pins.get(BOB)?.devices).toEqual(pinsFor(bob, phone).devices);
  });
});

describe("reading pins of a store that accepts no writes", () => {
  it("finds those of all users, empty ones included", () => {
    const { read } = unsaved(storeOfAlice([listKey(BOB), { pins: pinsFor(bob, phone) }]));
    expect(read(BOB, CAROL)).toEqual([
      new Map<UserId, Pins>([
        [BOB, pinsFor(bob, phone)],
        [CAROL, { devices: new Map() }],
      ]),
    ]);
  });

  it("leaves out those that are damaged", () => {
    expect(unsaved(storeOfAlice([listKey(BOB), { pins: "?" }])).read(BOB)).toEqual([new Map()]);
  });

  it("finds none if the store cannot be read, or was cleared", () => {
    const failing = { ...storeOfAlice(), read: (): Observable<never> => throwError(() => new Error("busy")) };
    expect(unsaved(failing).read(BOB)).toEqual([new Map()]);
    expect(unsaved(storeOfAlice([listKey(BOB), { pins: pinsFor(bob, phone) }]), false).read(BOB)).toEqual([new Map()]);
  });

  it("waits no longer than a second: a lookup waits for it", () => {
    const { read, scheduler } = unsaved({ ...storeOfAlice(), read: () => NEVER });
    const found = read(BOB);
    scheduler.advance(999);
    expect(found).toEqual([]);
    scheduler.advance(1);
    expect(found).toEqual([new Map()]);
  });
});

describe("whether memory knows what was first seen of everything in a list", () => {
  it("it does if it knows the pins", () => {
    const { pins, memory } = unsaved();
    memory.keep(BOB, verified(bob, []), revision, { pins: pinsFor(bob) });
    expect(pins.covers(BOB, verified(bob, [phone, tablet]))).toBe(true);
  });

  it("it does if its last list has every device, and an identity that was pinned", () => {
    const { pins, memory } = unsaved();
    const identity = { masterKey: bob.master.publicKey, pinnedMasterKey: bob.master.publicKey, signedBy: [] };
    memory.keep(BOB, verified(bob, [phone], { identity }), revision);
    expect(pins.covers(BOB, verified(bob, [phone]))).toBe(true);
    expect(pins.covers(BOB, verified(bob, []))).toBe(true);
    expect(pins.covers(BOB, verified(bob, [phone, tablet]))).toBe(false);
  });

  it("it does not if it has no list, or a list whose identity was never pinned", () => {
    const { pins, memory } = unsaved();
    expect(pins.covers(BOB, bobs)).toBe(false);
    memory.keep(BOB, verified(bob, [phone], { identity: { signedBy: [] } }), revision);
    expect(pins.covers(BOB, bobs)).toBe(false);
  });
});
