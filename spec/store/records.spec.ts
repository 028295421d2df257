import { describe, expect, it } from "vitest";
import type { RecordKey } from "../../src/store/device-store.js";
import {
  NO_SYNC,
  OWNER,
  readLog,
  readOwner,
  readOwnIdentity,
  readSnapshot,
  readSync,
  savedToken,
  STORE_FORMAT,
  SYNC,
  type LogRecord,
  type SyncRecord,
} from "../../src/store/records.js";
import { storeWith } from "../support/saved.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { changing, commits, step, track } from "./steps.js";

const notRecords = [undefined, null, "?", 5, true, [], [5], {}] as const;

describe("the owner's record", () => {
  const owner = { userId: ALICE, format: STORE_FORMAT, lifetime: "x" };

  it("is read back", () => {
    expect(readOwner(owner)).toBe(owner);
  });

  it.each([
    ...notRecords,
    { ...owner, userId: 5 },
    { ...owner, lifetime: undefined },
    { ...owner, format: "1" },
    { ...owner, format: -1 },
  ])("is refused if it is %j", (damaged) => {
    expect(readOwner(damaged)).toBeUndefined();
  });
});

describe("the head", () => {
  const sync: SyncRecord = {
    head: 7,
    token: "s7",
    position: 9,
    snapshot: { position: 4, head: 3, chunks: 1, index: 2, oldest: 2 },
  };
  const { token: _, ...withoutToken } = sync;

  it.each([sync, withoutToken, NO_SYNC])("is read back: %j", (given) => {
    expect(readSync(given)).toBe(given);
  });

  it.each<unknown>([
    ...notRecords,
    { ...sync, head: -1 },
    { ...sync, head: 1.5 },
    { ...sync, head: Number.NaN },
    { ...sync, head: 2 ** 53 },
    { ...sync, token: 7 },
    { ...sync, token: null },
    { ...sync, position: "9" },
    { ...sync, snapshot: undefined },
    { ...sync, snapshot: { ...sync.snapshot, chunks: -1 } },
    { ...sync, snapshot: { ...sync.snapshot, oldest: undefined } },
    { ...sync, snapshot: { ...sync.snapshot, position: 10 } },
    { ...sync, snapshot: { ...sync.snapshot, extensions: { rooms: -1 } } },
    { ...sync, snapshot: { ...sync.snapshot, extensions: { rooms: 2 ** 40 } } },
  ])("is refused if it is %j", (damaged) => {
    expect(readSync(damaged)).toBeUndefined();
  });
});

describe("a log record", () => {
  const committed: LogRecord = {
    type: "commits",
    by: "tab",
    commits: commits(3, changing("s1", "s2", BOB), track(CAROL), step({ everyone: "untracked" })),
  };
  const save: LogRecord = { type: "save", by: "other", lists: [[BOB, 3]] };

  it.each([committed, save])("is read back: %j", (record) => {
    expect(readLog(record)).toBe(record);
  });

  const withChange = (change: unknown) => ({ ...committed, commits: [{ number: 3, change }] });
  it.each<unknown>([
    ...notRecords,
    { ...committed, type: "other" },
    { ...committed, by: undefined },
    { ...committed, commits: [] },
    { ...committed, commits: "?" },
    { ...committed, commits: [null] },
    { ...committed, commits: [{ number: -3, change: track(BOB) }] },
    withChange(undefined),
    withChange({ type: "other", users: [] }),
    withChange({ type: "track", users: [BOB, 5] }),
    withChange({ type: "untrack" }),
    withChange({ ...step(), changed: BOB }),
    withChange({ ...step(), left: [null] }),
    withChange({ ...step(), since: 5 }),
    withChange({ ...step(), next: null }),
    withChange({ ...step(), everyone: true }),
    withChange({ ...step(), events: { rooms: "?" } }),
    withChange({ ...track(BOB), events: null }),
    withChange({ ...track(BOB), events: { rooms: 5 } }),
    { ...save, lists: undefined },
    { ...save, lists: [BOB] },
    { ...save, lists: [[BOB]] },
    { ...save, lists: [[BOB, -1]] },
    { ...save, lists: [[5, 1]] },
  ])("is refused if it is %j", (damaged) => {
    expect(readLog(damaged)).toBeUndefined();
  });
});

describe("a record of a snapshot", () => {
  it("is read back", () => {
    const snapshot = [
      [ALICE, 0, 0],
      [BOB, 4, 2],
    ];
    expect(readSnapshot(snapshot)).toBe(snapshot);
    expect(readSnapshot([])).toEqual([]);
  });

  it.each([
    undefined,
    null,
    "?",
    {},
    [ALICE],
    [[ALICE, 0]],
    [[ALICE, -1, 0]],
    [[ALICE, 0, "current"]],
    [[5, 0, 0]],
    [[ALICE, 0, 0], null],
  ])("is refused if it is %j", (damaged) => {
    expect(readSnapshot(damaged)).toBeUndefined();
  });
});

describe("the record of our own identity", () => {
  it("is read back, and refused if it is anything else", () => {
    for (const record of [{ userSigningKey: "key", userSigningKeys: ["old", "key"] }, { userSigningKeys: [] }])
      expect(readOwnIdentity(record)).toBe(record);
    for (const damaged of [
      ...notRecords,
      { userSigningKey: "key" },
      { userSigningKey: 5, userSigningKeys: [] },
      { userSigningKey: "key", userSigningKeys: "key" },
      { userSigningKey: "key", userSigningKeys: [5] },
    ])
      expect(readOwnIdentity(damaged)).toBeUndefined();
  });
});

describe("the saved token", () => {
  const tokenOf = (...records: readonly (readonly [RecordKey, unknown])[]) => {
    const tokens: unknown[] = [];
    savedToken(storeWith(...records)).subscribe((token) => tokens.push(token));
    return tokens;
  };

  it("is that of the head", () => {
    expect(tokenOf([SYNC, { ...NO_SYNC, token: "s1" }])).toEqual(["s1"]);
  });

  it("is undefined if there is none, or if the head is damaged", () => {
    expect(tokenOf()).toEqual([undefined]);
    expect(tokenOf([SYNC, NO_SYNC])).toEqual([undefined]);
    expect(tokenOf([SYNC, "?"], [OWNER, "?"])).toEqual([undefined]);
  });
});
