import { map, throwError, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { SavedLists, type SavedListsPorts } from "../../src/lists/saved-lists.js";
import { PendingEdits } from "../../src/lists/pending-edits.js";
import { StoreClearedError } from "../../src/model/errors.js";
import type { UserId } from "../../src/model/ids.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { listKey, OWN_IDENTITY } from "../../src/store/records.js";
import type { Revision } from "../../src/store/revision.js";
import { storeOfAlice } from "../store/in-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { memoryOf, type MemoryInTest } from "./memory-of.js";
import { bob, carol, phone, tablet, verified } from "./verified-lists.js";

const bobs = verified(bob, [phone]);
const at = (revision: number, list = bobs) => ({ pins: { devices: new Map() }, saved: { revision, list } });

/** Reads lists of a store: Bob's and Carol's are saved at revision 4. */
function readingFrom(store: DeviceStore, inMemory: MemoryInTest, ports: Partial<SavedListsPorts> = {}) {
  const log: StoreLog = { reads: [], writes: [] };
  const problems: TrackerProblem[] = [];
  const missed = { count: 0 };
  const lists = new SavedLists({
    pendingEdits: new PendingEdits(),
    ...inMemory,
    store: countingStore(log, store),
    refusesUnsigned: false,
    isOurs: (owner) => owner !== undefined,
    isCommitted: () => true,
    missedCommit: () => missed.count++,
    report: (problem) => problems.push(problem),
    ...ports,
  });
  const outcome = <T>(source$: Observable<T>): T => {
    const found: { value: T }[] = [];
    const errors: unknown[] = [];
    source$.subscribe({ next: (value) => found.push({ value }), error: (error: unknown) => errors.push(error) });
    if (found[0] === undefined) throw errors[0];
    return found[0].value;
  };
  const read = (...users: readonly (readonly [UserId, Revision])[]) =>
    outcome(lists.read(new Map(users)).pipe(map((found) => [...found.keys()])));
  const lastKnown = (...users: readonly UserId[]) => outcome(lists.lastKnown(users, (user) => user?.hasList === true));
  return { lists, read, lastKnown, log, problems, missed };
}

const store = () => storeOfAlice([listKey(BOB), at(4)], [listKey(CAROL), at(4, verified(carol, []))]);
const revision = { number: 4 };

describe("reading lists that are not outdated", () => {
  const current = () => memoryOf({ [BOB]: { revision, outdated: false }, [CAROL]: { revision, outdated: false } });

  it("takes one read for all, and caches them", () => {
    const inMemory = current();
    const { read, log } = readingFrom(store(), inMemory);
    expect(read([BOB, revision], [CAROL, revision])).toEqual([BOB, CAROL]);
    expect(log.reads).toEqual([["account/owner", "account/own", `list/${BOB}`, `list/${CAROL}`]]);
    expect(inMemory.memory.cached(BOB, revision)?.list).toEqual(bobs);
  });

  it("leaves out a list of another revision, whose user is then to be queried", () => {
    const inMemory = current();
    const { read } = readingFrom(storeOfAlice([listKey(BOB), at(3)]), inMemory);
    expect(read([BOB, revision])).toEqual([]);
    expect(inMemory.tracking.get(BOB)).toEqual({ revision, outdated: true, hasList: true });
  });

  it("notices by a list of a later revision that a commit was missed", () => {
    const { read, missed } = readingFrom(storeOfAlice([listKey(BOB), at(5)]), current());
    expect(read([BOB, revision])).toEqual([]);
    expect(missed.count).toBe(1);
  });

  it("does not believe the number of a revision that is not committed", () => {
    const inMemory = current();
    const { read } = readingFrom(store(), inMemory, { isCommitted: () => false });
    expect(read([BOB, revision])).toEqual([]);
    expect(inMemory.tracking.get(BOB)?.outdated).toBe(false);
  });

  it("returns the list of a user who changed during the read, but does not cache it", () => {
    const inMemory = current();
    const { lists } = readingFrom(store(), inMemory);
    const found: unknown[] = [];
    const reading$ = lists.read(new Map([[BOB, { number: 4 }]])); // as it was before the change
    reading$.subscribe((read) => found.push(read.get(BOB)?.list));
    expect(found).toEqual([bobs]);
    expect(inMemory.memory.last(BOB)).toBeUndefined();
  });

  it("does not outdate a user whose list came into memory in the meantime", () => {
    const inMemory = current();
    const { read } = readingFrom(storeOfAlice([listKey(BOB), at(3)]), inMemory);
    inMemory.memory.keep(BOB, bobs, revision);
    read([BOB, revision]);
    expect(inMemory.tracking.get(BOB)?.outdated).toBe(false);
  });

  it("takes a damaged list for none, and reports it", () => {
    const { read, problems } = readingFrom(storeOfAlice([listKey(BOB), { ...at(4), saved: "?" }]), current());
    expect(read([BOB, revision])).toEqual([]);
    expect(problems).toMatchObject([{ type: "records-damaged", kind: "list", ids: [BOB] }]);
  });

  it("takes a list with unsigned devices for none if they are refused", () => {
    const unsigned = { signedByItself: false, crossSigned: false, dehydrated: false };
    const list = { ...bobs, deviceStatus: new Map([["PHONE", unsigned]]) };
    const read = (refusesUnsigned: boolean) =>
      readingFrom(storeOfAlice([listKey(BOB), at(4, list)]), current(), { refusesUnsigned }).read([BOB, revision]);
    expect([read(false), read(true)]).toEqual([[BOB], []]);
  });

  it("finds none if the store fails, and reports it", () => {
    const failing = { ...store(), read: () => throwError(() => new Error("busy")) };
    const { read, problems } = readingFrom(failing, current());
    expect(read([BOB, revision])).toEqual([]);
    expect(problems).toMatchObject([{ type: "read-failed", userIds: [BOB] }]);
  });

  it("fails if the store was cleared: these may be another account's lists", () => {
    const { read } = readingFrom(store(), current(), { isOurs: () => false });
    expect(() => read([BOB, revision])).toThrow(StoreClearedError);
  });

  it("notices that our own identity is saved with another key", () => {
    const inMemory = memoryOf({ [BOB]: { revision, outdated: false } }, "ours");
    readingFrom(storeOfAlice([OWN_IDENTITY, { userSigningKey: "another" }]), inMemory).read([BOB, revision]);
    expect(inMemory.memory.ourKey).toBeUndefined();
  });
});

describe("the last known lists", () => {
  it("come from memory, however old, without a read", () => {
    const inMemory = memoryOf({ [BOB]: { revision: { number: 7 } } });
    inMemory.memory.keep(BOB, bobs, revision);
    const { lastKnown, log } = readingFrom(store(), inMemory);
    const known = lastKnown(BOB).get(BOB);
    expect(known?.list).toBe(bobs);
    expect([known?.answers(revision), known?.answers({ number: 4 })]).toEqual([true, false]);
    expect(log.reads).toEqual([]);
  });

  it("are read if memory has none, for users who have a saved list", () => {
    const inMemory = memoryOf({ [BOB]: { revision }, [CAROL]: { revision, hasList: false } });
    const { lastKnown, log } = readingFrom(store(), inMemory);
    const known = lastKnown(BOB, CAROL, ALICE);
    expect([...known.keys()]).toEqual([BOB]);
    expect(log.reads).toEqual([["account/owner", "account/own", `list/${BOB}`]]);
    expect(known.get(BOB)?.answers({ number: 4 })).toBe(true);
  });

  it("are read if another tab has fetched a newer one", () => {
    const inMemory = memoryOf({ [BOB]: { revision, outdated: false } });
    inMemory.memory.keep(BOB, verified(bob, [tablet]), { number: 3 });
    expect([...(readingFrom(store(), inMemory).lastKnown(BOB).get(BOB)?.list.deviceKeys.keys() ?? [])]).toEqual([
      "PHONE",
    ]);
  });

  it("do not answer a revision that is not committed", () => {
    const inMemory = memoryOf({ [BOB]: { revision } });
    const { lastKnown } = readingFrom(store(), inMemory, { isCommitted: () => false });
    expect(lastKnown(BOB).get(BOB)?.answers(revision)).toBe(false);
  });
});
