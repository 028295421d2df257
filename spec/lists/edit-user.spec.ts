import { describe, expect, it } from "vitest";
import { editUser } from "../../src/lists/edit-user.js";
import type { ListRecord } from "../../src/lists/list-record.js";
import { acknowledgingDevice, forgettingDevice, withdrawingVerification } from "../../src/lists/user-edits.js";
import { listKey, logKey } from "../../src/store/records.js";
import type { DeviceList } from "../../src/trust/device-list.js";
import { LOST_PINS, type Pins } from "../../src/trust/pins.js";
import { historyOf, keysOf } from "../trust/pinned-lists.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved, savedIds } from "../support/saved.js";
import { ALICE, BOB } from "../support/users.js";
import { saverIn, type SaverUnderTest } from "./saver-in.js";
import { alice, bob, keyOf, phone, pinsFor, selfSigned, swapped, tablet, verified } from "./verified-lists.js";

const ACKNOWLEDGE = acknowledgingDevice("PHONE", keyOf(swapped, "ed25519"), 9);
const FORGET = forgettingDevice("PHONE", 9);

/** Bob's list is saved, and in memory. */
function editing(m: Marbles) {
  const under = saverIn(m, undefined, undefined, alice.master.publicKey);
  under.saveLists({ [BOB]: verified(bob, [phone, tablet]) }).subscribe();
  return { ...under, edit: (edit: Parameters<typeof editUser>[1]) => editUser(BOB, edit, under.chain, under) };
}
const recordOf = ({ store }: Pick<SaverUnderTest, "store">) => saved(store.records, listKey(BOB)) as ListRecord;
const devicesOf = (list: DeviceList | undefined) => [...(list?.deviceKeys.values() ?? [])];
const refusalsOf = (list: DeviceList | undefined) =>
  Array.from(list?.rejected ?? [], ([id, { code }]) => `${id}:${code}`);

describe("an edit of what is known of a user", () => {
  it(
    "is done when it is subscribed to, and completes when it is durable",
    marbles((m) => {
      const { edit, store } = editing(m);
      const edited$ = edit(FORGET);
      store.takes = 3;
      m.expectObservable(edited$, "-^").toBe("----|");
      m.acts("a--b", {
        a: () => expect(recordOf({ store }).pins.devices.has("PHONE")).toBe(true),
        b: () => expect(recordOf({ store }).pins.devices.has("PHONE")).toBe(true),
      });
      m.afterwards(() => expect(recordOf({ store }).pins.devices.has("PHONE")).toBe(false));
    }),
  );

  it(
    "changes what memory has like what is saved, and leaves the revision",
    marbles((m) => {
      const under = editing(m);
      const { revision, list: before } = under.memory.last(BOB)!;
      const shown: DeviceList[] = [];
      under.memory.cached$.subscribe((lists) => shown.push(...Array.from(lists.values(), ({ list }) => list)));
      under.edit(FORGET).subscribe();
      const { list, beside, revision: later } = under.memory.last(BOB)!;
      expect(later).toBe(revision);
      expect([devicesOf(before), devicesOf(list)]).toEqual([[phone, tablet], [tablet]]);
      expect(recordOf(under)).toEqual({ pins: beside.pins, saved: { revision: revision.number, list } });
      expect(shown).toEqual([list]);
    }),
  );

  it(
    "changes nothing in memory if the store fails",
    marbles((m) => {
      const { edit, memory, store } = editing(m);
      const before = [memory.last(BOB), recordOf({ store })];
      store.failNext("full", "update");
      m.expectObservable(edit(FORGET)).toBe("#", undefined, "full");
      m.afterwards(() => expect([memory.last(BOB), recordOf({ store })]).toEqual(before));
    }),
  );

  it(
    "is in the log if it changes the list: a frozen tab finds it there",
    marbles((m) => {
      const { edit, store, memory } = editing(m);
      const log = () => savedIds(store.records, "log").length;
      const before = log();
      edit(ACKNOWLEDGE).subscribe();
      expect(log()).toBe(before);
      edit(FORGET).subscribe();
      expect(log()).toBe(before + 1);
      const lists = [[BOB, memory.last(BOB)?.revision.number]];
      expect(saved(store.records, logKey(before + 1))).toMatchObject({ type: "save", lists });
    }),
  );

  it(
    "needs no list, saved or in memory",
    marbles((m) => {
      const under = saverIn(m);
      const edit = (one: Parameters<typeof editUser>[1]) => editUser(BOB, one, under.chain, under);
      edit(ACKNOWLEDGE).subscribe();
      expect(recordOf(under)).toEqual({ pins: recordOf(under).pins });
      expect(keysOf(recordOf(under).pins)).toEqual({ devices: pinsFor(bob, swapped).devices });
      expect(under.memory.last(BOB)).toBeUndefined();
    }),
  );

  it(
    "leaves pins incomplete that cannot be read",
    marbles((m) => {
      const under = editing(m);
      put(under.store.records, [listKey(BOB), "?"]);
      under.edit(ACKNOWLEDGE).subscribe();
      expect(keysOf(recordOf(under).pins)).toEqual({ ...LOST_PINS, devices: pinsFor(bob, swapped).devices });
    }),
  );
});

describe("acknowledging a device", () => {
  it(
    "pins its key, and leaves the device as it was until the next answer",
    marbles((m) => {
      const under = editing(m);
      under.saveLists({ [BOB]: selfSigned(bob, [swapped, tablet]) }, { forced: true }).subscribe();
      expect(refusalsOf(under.memory.last(BOB)?.list)).toEqual(["PHONE:key-changed"]);
      under.edit(ACKNOWLEDGE).subscribe();
      expect(devicesOf(under.memory.last(BOB)?.list)).toEqual([phone, tablet]);
      expect(refusalsOf(under.memory.last(BOB)?.list)).toEqual(["PHONE:key-changed"]);
      under.saveLists({ [BOB]: selfSigned(bob, [swapped, tablet]) }, { forced: true }).subscribe();
      expect(devicesOf(under.memory.last(BOB)?.list)).toEqual([swapped, tablet]);
      expect(refusalsOf(under.memory.last(BOB)?.list)).toEqual([]);
      expect(historyOf(recordOf(under).pins).slice(-2)).toEqual(["shown PHONE", "acknowledged PHONE"]);
    }),
  );

  it(
    "is stronger than the user's identity: the former key does not come back",
    marbles((m) => {
      const under = editing(m);
      under.edit(ACKNOWLEDGE).subscribe();
      under.saveLists({ [BOB]: verified(bob, [phone, tablet]) }, { forced: true }).subscribe();
      expect(refusalsOf(under.memory.last(BOB)?.list)).toEqual(["PHONE:key-changed"]);
    }),
  );
});

describe("forgetting a device", () => {
  it(
    "removes its pin, its place in the list and its refusal, and leaves the others",
    marbles((m) => {
      const under = editing(m);
      under.saveLists({ [BOB]: selfSigned(bob, [swapped, tablet]) }, { forced: true }).subscribe();
      under.edit(FORGET).subscribe();
      const { list } = recordOf(under).saved!;
      expect([devicesOf(list), refusalsOf(list), [...list.deviceStatus.keys()]]).toEqual([[tablet], [], ["TABLET"]]);
      expect(keysOf(recordOf(under).pins)).toEqual(pinsFor(bob, tablet));
      expect(historyOf(recordOf(under).pins).at(-1)).toBe("forgotten PHONE");
    }),
  );

  it(
    "makes the next device of this ID a new one, whatever its key",
    marbles((m) => {
      const under = editing(m);
      under.edit(FORGET).subscribe();
      under.saveLists({ [BOB]: selfSigned(bob, [swapped, tablet]) }, { forced: true }).subscribe();
      expect(devicesOf(under.memory.last(BOB)?.list)).toEqual([swapped, tablet]);
      expect(refusalsOf(under.memory.last(BOB)?.list)).toEqual([]);
    }),
  );
});

describe("withdrawing a verification", () => {
  it(
    "is in the pins and in the list, and leaves the rest",
    marbles((m) => {
      const under = editing(m);
      const { pins, saved: savedList } = recordOf(under);
      const list = { ...savedList!.list, identity: { ...savedList!.list.identity, wasVerified: true as const } };
      const withMark: Pins = { ...pins, wasVerified: true };
      put(under.store.records, [listKey(BOB), { pins: withMark, saved: { ...savedList, list } }]);
      under.edit(withdrawingVerification(undefined)).subscribe();
      expect(recordOf(under)).toEqual({ pins: { ...pins, withdrawn: true }, saved: savedList });
    }),
  );

  it(
    "lasts until an answer has our signature again",
    marbles((m) => {
      const under = editing(m);
      const signedByUs = { masterKey: bob.master.publicKey, signedBy: [alice.userSigning.publicKey] };
      const save = (list: DeviceList) => under.saveLists({ [BOB]: list }, { forced: true }).subscribe();
      const marks = () => [under.memory.last(BOB)?.list.identity.wasVerified, recordOf(under).pins.wasVerified];
      under.saveLists({ [ALICE]: verified(alice, [], { userSigningKey: alice.userSigningKey }) }).subscribe();
      save(verified(bob, [], { identity: signedByUs }));
      save(verified(bob, []));
      expect(marks()).toEqual([true, true]);
      under.edit(withdrawingVerification(undefined)).subscribe();
      expect(marks()).toEqual([undefined, undefined]);
      save(verified(bob, []));
      expect(marks()).toEqual([undefined, undefined]);
      save(verified(bob, [], { identity: signedByUs }));
      expect(marks()).toEqual([true, true]);
    }),
  );
});

describe("a device that is forgotten", () => {
  it(
    "is not brought back by what was pinned while the store failed",
    marbles((m) => {
      const under = editing(m);
      under.unsaved.add(new Map([[BOB, pinsFor(bob, phone)]]));
      under.edit(FORGET).subscribe();
      expect(under.unsaved.get(BOB)?.devices.has("PHONE")).toBe(false);
    }),
  );
});
