import { describe, expect, it } from "vitest";
import type { KeyAlgorithm } from "../../src/keys/device-key.js";
import { emptyList } from "../../src/trust/device-list.js";
import {
  commitStep,
  commitTracked,
  savedUser,
  stepKeys,
  trackedKeys,
  type Committed,
  type StepToCommit,
} from "../../src/store/commit.js";
import type { RecordKey } from "../../src/store/device-store.js";
import {
  claimsKey,
  EPOCH,
  listKey,
  MAX_REMEMBERED_LEFT,
  pinsKey,
  REMEMBERED_STEPS,
  stateKey,
  SYNC,
  type SyncRecord,
} from "../../src/store/records.js";
import { RecordsMissing, SavedRecords } from "../../src/store/saved-records.js";
import { testDevice } from "../../src/testing/test-device.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";

type Records = ReadonlyMap<string, unknown>;

const named = ([kind, id]: RecordKey) => `${kind}/${id}`;
const sync = (record: Partial<SyncRecord>) => [named(SYNC), { revision: 0, steps: [], ...record }] as const;
/** The counter as a step that led to `s1` and did not say what it answered leaves it in an empty memory of steps. */
const syncAt = (revision: number) => sync({ revision, token: "s1", steps: [{ next: "s1", revision }] });
const state = (user: string, record: unknown) => [named(stateKey(user)), record] as const;

/** Commits over these records: what came of it, and the records afterwards. */
function commit(
  before: Records,
  keys: readonly RecordKey[],
  change: (records: SavedRecords) => Committed,
): { readonly committed: Committed; readonly after: Records } {
  const records = new SavedRecords(
    keys,
    keys.map((key) => before.get(named(key))),
  );
  const committed = change(records);
  const { puts, deletes } = records.update(undefined);
  const after = new Map(before);
  for (const key of deletes) after.delete(named(key));
  for (const [key, record] of puts) after.set(named(key), record);
  return { committed, after };
}

function commitOf(before: Records, properties: Partial<StepToCommit>) {
  const step: StepToCommit = {
    since: undefined,
    follows: undefined,
    next: "s1",
    changed: [],
    left: [],
    everyone: false,
    asked: false,
    ...properties,
  };
  return commit(before, stepKeys(step), (records) => commitStep(records, step, ALICE));
}

describe("commitStep", () => {
  it("allots the next revision, to the step and to who changed, and moves the token", () => {
    const { committed, after } = commitOf(new Map([sync({ revision: 6, token: "s0" })]), {
      follows: "s0",
      changed: [BOB],
    });
    expect(committed).toEqual({ revision: 7, previous: 0, recognised: false, users: new Map() });
    expect(after).toEqual(new Map([syncAt(7), state(BOB, { revision: 7 })]));
  });

  it("begins at revision 1 in an empty store", () => {
    expect(commitOf(new Map(), { changed: [BOB] }).after.get(`state/${BOB}`)).toEqual({ revision: 1 });
  });

  it("keeps which revision the saved list answers, and the list", () => {
    const before = new Map<string, unknown>([
      sync({ revision: 3 }),
      state(BOB, { revision: 2, listed: 2 }),
      [named(listKey(BOB)), "list"],
    ]);
    const { after } = commitOf(before, { changed: [BOB] });
    expect(after.get(named(stateKey(BOB)))).toEqual({ revision: 4, listed: 2 });
    expect(after.get(named(listKey(BOB)))).toBe("list");
  });

  it("removes who left, with their list", () => {
    const before = new Map<string, unknown>([
      sync({ revision: 3 }),
      state(BOB, { revision: 2 }),
      [named(listKey(BOB)), "list"],
    ]);
    expect(commitOf(before, { left: [BOB] }).after).toEqual(
      new Map([sync({ revision: 4, token: "s1", steps: [{ next: "s1", revision: 4, left: [BOB] }] })]),
    );
  });

  describe("says which changes were the last before it", () => {
    const steps = [
      { next: "s1", revision: 1 },
      { since: "s1", next: "s3", revision: 3 },
    ];
    const ahead = sync({ revision: 5, token: "s3", steps });
    const step = { since: "s1", follows: "s1", next: "s2", changed: [BOB] };

    it("of whatever line", () => {
      expect(commitOf(new Map([ahead]), step).committed).toMatchObject({ revision: 6, previous: 3 });
    });

    it("where another tab has committed it, too", () => {
      const { after } = commitOf(new Map([ahead]), step);
      const { after: later } = commitOf(after, { since: "s2", follows: "s2", next: "s4" });
      expect(commitOf(later, step).committed).toEqual({
        revision: 6,
        previous: 3,
        recognised: true,
        users: new Map([[BOB, { revision: 6, outdated: true }]]),
      });
    });

    it("of everyone, though they led to no token", () => {
      const { after } = commitOf(new Map([ahead]), { next: undefined, everyone: true });
      expect(commitOf(after, step).committed).toMatchObject({ revision: 7, previous: 6 });
      expect(commitOf(after, { ...step, everyone: true }).committed).toMatchObject({ revision: 7, previous: 6 });
    });

    const many = Array.from({ length: REMEMBERED_STEPS }, (_, i) => ({
      since: `a${i}`,
      next: `a${i + 1}`,
      revision: i + 8,
    }));

    it("or, at the most, what came before all that is remembered, where it is the oldest of that", () => {
      const before = new Map([sync({ revision: 107, token: "a100", steps: many })]);
      expect(commitOf(before, { since: "a0", follows: "a0", next: "a1" }).committed).toMatchObject({
        revision: 8,
        previous: 7,
      });
      expect(commitOf(before, { since: "a1", follows: "a1", next: "a2" }).committed).toMatchObject({
        revision: 9,
        previous: 8,
      });
    });

    it("and none that named nobody", () => {
      const { after } = commitOf(
        new Map([sync({ revision: 3, token: "s1", steps: [{ since: "s0", next: "s1", revision: 3 }] })]),
        { since: "s1", follows: "s1", next: "s2" },
      );
      expect(commitOf(after, { since: "s2", follows: "s2", next: "s3", changed: [BOB] }).committed).toMatchObject({
        revision: 5,
        previous: 3,
      });
      const idle = new Map([
        sync({ revision: 107, token: "a100", steps: many.map((step) => ({ ...step, idle: true })) }),
      ]);
      expect(commitOf(idle, { since: "a100", follows: "a100", next: "a101", changed: [BOB] }).committed).toMatchObject({
        revision: 108,
        previous: 7,
      });
    });

    it("or that nobody knows, where the counter is lost", () => {
      expect(commitOf(new Map([[named(SYNC), "?"]]), step).committed.previous).toBe(Number.POSITIVE_INFINITY);
    });
  });

  describe("of a tab that lags behind one in which a user has left", () => {
    /** Bob left on the way from s1 to s3. */
    const ahead = (steps: SyncRecord["steps"] = []) =>
      sync({
        revision: 3,
        token: "s3",
        steps: [{ next: "s1", revision: 1 }, { since: "s1", next: "s3", revision: 3, left: [BOB] }, ...steps],
      });

    it("does not track them again for a change that came before, and says so", () => {
      const { committed, after } = commitOf(new Map([ahead()]), {
        since: "s1",
        follows: "s1",
        next: "s2",
        changed: [BOB, CAROL],
      });
      expect(after.has(`state/${BOB}`)).toBe(false);
      expect(after.get(`state/${CAROL}`)).toEqual({ revision: 4 });
      expect(committed.users.get(BOB)).toBeUndefined();
      expect(committed.users.has(BOB)).toBe(true);
    });

    it("nor where the server was asked for the way to where the step begins: that may lie behind, too", () => {
      const asked = { since: "s3", next: "s2", revision: 4, asked: true };
      const { after } = commitOf(new Map([ahead([asked])]), { since: "s2", follows: "s2", next: "s4", changed: [BOB] });
      expect(after.has(`state/${BOB}`)).toBe(false);
    });

    it("and tracks one who had left before: that they come back is news", () => {
      const { after: late } = commitOf(new Map([ahead()]), { since: "s1", follows: "s1", next: "s2", left: [BOB] });
      const { after } = commitOf(late, { since: "s3", follows: "s3", next: "s4", changed: [BOB] });
      expect(after.get(`state/${BOB}`)).toEqual({ revision: 5 });
    });

    it("tracks them again for a change that came after", () => {
      const { after } = commitOf(new Map([ahead()]), { since: "s3", follows: "s3", next: "s4", changed: [BOB] });
      expect(after.get(`state/${BOB}`)).toEqual({ revision: 4 });
    });

    it("does not track them again for a change in a later step of its line either", () => {
      const { after } = commitOf(new Map([ahead()]), { since: "s1", follows: "s1", next: "s2" });
      expect(
        commitOf(after, { since: "s2", follows: "s2", next: "s2b", changed: [BOB] }).after.has(`state/${BOB}`),
      ).toBe(false);
    });

    it("nor anybody, where it is so far behind that its steps are forgotten", () => {
      const steps = Array.from({ length: REMEMBERED_STEPS }, (_, i) => ({
        since: `a${i}`,
        next: `a${i + 1}`,
        revision: i + 8,
      }));
      const before = new Map([sync({ revision: 107, token: "a100", steps })]);
      expect(
        commitOf(before, { since: "s1", follows: "s1", next: "s2", changed: [BOB] }).after.has(`state/${BOB}`),
      ).toBe(false);
      // Not known to be behind: a gap in which nobody knows what is missing.
      expect(
        commitOf(before, { since: "s1", follows: "a100", next: "s2", changed: [BOB], everyone: true }).after.has(
          `state/${BOB}`,
        ),
      ).toBe(true);
    });

    it("and leaves alone whom the store tracks: they are back", () => {
      const { after } = commitOf(new Map([ahead(), state(BOB, { revision: 3, listed: 3 })]), {
        since: "s1",
        follows: "s1",
        next: "s2",
        changed: [BOB],
      });
      expect(after.get(`state/${BOB}`)).toEqual({ revision: 4, listed: 3 });
    });

    it("takes anybody for one of them where they were too many to be remembered", () => {
      const left = Array.from({ length: MAX_REMEMBERED_LEFT + 1 }, (_, i) => `@${i}:example.org`);
      const { after: saved } = commitOf(
        new Map([
          sync({ revision: 1, token: "s1", steps: [{ next: "s1", revision: 1 }] }),
          ...left.map((user) => state(user, { revision: 1 })),
        ]),
        { since: "s1", follows: "s1", next: "s3", left },
      );
      expect(saved.get(named(SYNC))).toMatchObject({ steps: [{}, { left: "many" }] });
      const { after } = commitOf(saved, { since: "s1", follows: "s1", next: "s2", changed: [BOB, ALICE] });
      expect(after.has(`state/${BOB}`)).toBe(false);
      expect(after.has(`state/${ALICE}`)).toBe(true); // our own user never leaves
    });
  });

  describe("removes who left from the index of keys", () => {
    const phone = testDevice(BOB, "PHONE");
    const keyOf = (algorithm: KeyAlgorithm) => claimsKey(algorithm, phone.keys[`${algorithm}:PHONE`] ?? "");
    const [curve25519, ed25519] = [keyOf("curve25519"), keyOf("ed25519")];
    const status = { signedByItself: false, crossSigned: false, dehydrated: false };
    const list = {
      ...emptyList(1),
      deviceKeys: new Map([["PHONE", phone]]),
      deviceStatus: new Map([["PHONE", status]]),
    };
    const bobs = { userId: BOB, deviceId: "PHONE" };
    const carols = { userId: CAROL, deviceId: "PHONE" };
    const pins = { devices: new Map([["PHONE", ed25519[1]]]) };
    const before = new Map<string, unknown>([
      sync({ revision: 3 }),
      state(BOB, { revision: 2, listed: 2 }),
      [named(listKey(BOB)), { revision: 2, list }],
      [named(pinsKey(BOB)), pins],
      [named(curve25519), [bobs, carols]],
      [named(ed25519), [bobs]],
    ]);
    const step: StepToCommit = {
      since: undefined,
      follows: undefined,
      next: "s1",
      changed: [],
      left: [BOB],
      everyone: false,
      asked: false,
    };

    it("and no other claimant, nor what was first seen of them", () => {
      const { after } = commit(before, [...stepKeys(step), curve25519, ed25519], (records) =>
        commitStep(records, step, ALICE),
      );
      expect(after).toEqual(
        new Map<string, unknown>([
          sync({ revision: 4, token: "s1", steps: [{ next: "s1", revision: 4, left: [BOB] }] }),
          [named(pinsKey(BOB)), pins],
          [named(curve25519), [carols]],
        ]),
      );
    });

    it("once it has the records that only their list can name", () => {
      let missing: readonly RecordKey[] = [];
      try {
        commit(before, stepKeys(step), (records) => commitStep(records, step, ALICE));
      } catch (error) {
        if (error instanceof RecordsMissing) missing = error.keys;
      }
      expect(missing.map(named).toSorted()).toEqual([named(curve25519), named(ed25519)]);
    });

    it("not where they change only: the list is still there", () => {
      const { after } = commitOf(before, { changed: [BOB] });
      expect(after.get(named(curve25519))).toEqual([bobs, carols]);
    });
  });

  it("writes one record where everyone is outdated", () => {
    const before = new Map([sync({ revision: 3 }), state(BOB, { revision: 2, listed: 2 })]);
    const { after } = commitOf(before, { everyone: true });
    expect(after).toEqual(
      new Map<string, unknown>([syncAt(4), state(BOB, { revision: 2, listed: 2 }), [named(EPOCH), 4]]),
    );
  });

  it("leaves the saved token where the step leads to none", () => {
    const { after } = commitOf(new Map([sync({ revision: 3, token: "s0" })]), { next: undefined, everyone: true });
    expect(after.get(named(SYNC))).toEqual({ revision: 4, steps: [], token: "s0" });
  });

  it("remembers a step that says what it answered", () => {
    const { after } = commitOf(new Map([sync({ revision: 3, token: "s0" })]), {
      since: "s0",
      follows: "s0",
      changed: [BOB],
    });
    expect(after.get(named(SYNC))).toEqual({
      revision: 4,
      token: "s1",
      steps: [{ since: "s0", next: "s1", revision: 4 }],
    });
  });

  it("remembers the last 100 steps", () => {
    const steps = Array.from({ length: REMEMBERED_STEPS }, (_, i) => ({
      since: `a${i}`,
      next: `a${i + 1}`,
      revision: i + 1,
    }));
    const { after } = commitOf(new Map([sync({ revision: 100, token: "a100", steps })]), {
      since: "a100",
      follows: "a100",
      next: "a101",
    });
    const remembered = (after.get(named(SYNC)) as SyncRecord).steps;
    expect(remembered).toHaveLength(100);
    expect([remembered[0]?.since, remembered.at(-1)?.next]).toEqual(["a1", "a101"]);
  });

  it("remembers without what it answered a step that does not say so", () => {
    expect((commitOf(new Map(), { changed: [BOB] }).after.get(named(SYNC)) as SyncRecord).steps).toEqual([
      { next: "s1", revision: 1 },
    ]);
  });

  it("remembers that a step named nobody", () => {
    expect((commitOf(new Map(), { since: "s0" }).after.get(named(SYNC)) as SyncRecord).steps).toEqual([
      { since: "s0", next: "s1", revision: 1, idle: true },
    ]);
    for (const named of [{ left: [BOB] }, { everyone: true }])
      expect(commitOf(new Map(), named).after.get("account/sync")).toMatchObject({
        steps: [{ next: "s1", revision: 1 }],
      });
  });

  it("writes nothing for a step that names nobody and leads to where it begins, wherever the token is: of a tab that lags it would lead back", () => {
    const before = new Map([
      sync({
        revision: 7,
        token: "s2",
        steps: [
          { since: "s0", next: "s1", revision: 6 },
          { since: "s1", next: "s2", revision: 7 },
        ],
      }),
    ]);
    const { committed, after } = commitOf(before, { since: "s0", follows: "s0", next: "s0" });
    expect(after).toEqual(before);
    expect(committed).toEqual({ revision: 7, previous: 7, recognised: false, users: new Map() });
  });

  it("begins with such a step where there is no token", () => {
    expect(commitOf(new Map(), { since: "s1" }).after.get("account/sync")).toMatchObject({ token: "s1", revision: 1 });
  });

  it("does not remember a step that leads nowhere", () => {
    expect((commitOf(new Map(), { since: "s0", next: undefined }).after.get(named(SYNC)) as SyncRecord).steps).toEqual(
      [],
    );
  });

  it("does not take a step for committed that begins where a later one led back to: the token came twice", () => {
    const steps = [
      { since: "s0", next: "s1", revision: 4 },
      { since: "s1", next: "s0", revision: 5 },
    ];
    expect(
      commitOf(new Map([sync({ revision: 5, token: "s0", steps })]), { since: "s0", follows: "s0" }).committed.revision,
    ).toBe(6);
  });

  it("does not commit again what is remembered: it takes its revision from there, and what the store says of its users", () => {
    const steps = [{ since: "s0", next: "s1", revision: 4 }];
    const before = new Map([
      sync({ revision: 6, token: "s2", steps }),
      state(BOB, { revision: 4, listed: 4 }),
      state(CAROL, { revision: 6, listed: 4 }),
    ]);
    const { committed, after } = commitOf(before, { since: "s0", follows: "s0", changed: [BOB, CAROL, DAVE] });
    expect(after).toEqual(before);
    expect(committed.revision).toBe(4);
    expect(committed.users).toEqual(
      new Map([
        [BOB, { revision: 4, outdated: false }],
        [CAROL, { revision: 6, outdated: true }],
        [DAVE, undefined],
      ]),
    );
  });

  it("commits again a step whose two tokens are equal, or without since: a change is not lost to a repeated token", () => {
    for (const step of [{ since: "s1", next: "s1" }, { since: undefined }]) {
      const once = commitOf(new Map(), { ...step, changed: [BOB] }).after;
      const twice = commitOf(once, { ...step, changed: [BOB] });
      expect(twice.committed.revision).toBe(2);
      expect(twice.after.get(named(stateKey(BOB)))).toEqual({ revision: 2 });
    }
  });

  it.each([
    ["damaged", new Map<string, unknown>([[named(SYNC), "?"], state(BOB, { revision: 9 })])],
    ["gone though memory stands on a token", new Map<string, unknown>([state(BOB, { revision: 9 })])],
  ])("goes on far beyond any revision allotted where the counter is %s, and makes everyone outdated", (_, before) => {
    const { committed, after } = commitOf(before, { follows: "s0", changed: [BOB] });
    expect(committed.revision).toBeGreaterThan(1_000_000_000);
    expect(after.get(named(EPOCH))).toBe(committed.revision);
  });

  it("does not take a step for committed whose user the store has at an earlier revision: servers repeat tokens", () => {
    const steps = [{ since: "s0", next: "s1", revision: 4 }];
    const { committed, after } = commitOf(
      new Map([sync({ revision: 6, token: "s1", steps }), state(BOB, { revision: 3 })]),
      { since: "s0", changed: [BOB] },
    );
    expect(committed.revision).toBe(7);
    expect(after.get(named(stateKey(BOB)))).toEqual({ revision: 7 });
  });

  it("does not take a step of everyone for committed", () => {
    const steps = [{ since: "s0", next: "s1", revision: 4 }];
    expect(
      commitOf(new Map([sync({ revision: 6, token: "s1", steps })]), { since: "s0", everyone: true }).after.get(
        named(EPOCH),
      ),
    ).toBe(7);
  });
});

describe("commitTracked", () => {
  const commitFor = (before: Records, ...users: string[]) =>
    commit(before, trackedKeys(users), (records) => commitTracked(records, users, "s1"));

  it("makes who has no record tracked, at a new revision, and leaves the token and the steps", () => {
    const steps = [{ since: "s0", next: "s1", revision: 4 }];
    const { committed, after } = commitFor(new Map([sync({ revision: 6, token: "s1", steps })]), BOB);
    expect(after).toEqual(new Map([sync({ revision: 7, token: "s1", steps }), state(BOB, { revision: 7 })]));
    expect(committed).toEqual({ revision: 7, previous: 4, recognised: false, users: new Map() });
  });

  it("leaves who is tracked as they are, and says what the store says of them", () => {
    const before = new Map([sync({ revision: 6, token: "s1" }), state(BOB, { revision: 4, listed: 4 })]);
    const { committed, after } = commitFor(before, BOB, CAROL);
    expect(after.get(named(stateKey(BOB)))).toEqual({ revision: 4, listed: 4 });
    expect(committed.users).toEqual(new Map([[BOB, { revision: 4, outdated: false }]]));
  });

  it("leaves a damaged record alone: its user is tracked and outdated", () => {
    const { committed, after } = commitFor(new Map<string, unknown>([sync({ token: "s1" }), state(BOB, "?")]), BOB);
    expect(after.get(named(stateKey(BOB)))).toBe("?");
    expect(committed.users).toEqual(new Map([[BOB, { revision: 0, outdated: true }]]));
  });
});

describe("savedUser", () => {
  it.each([
    ["is not tracked without a record", undefined, 0, undefined],
    ["is outdated without a list", { revision: 4 }, 0, { revision: 4, outdated: true }],
    [
      "is up to date where the list answers their revision",
      { revision: 4, listed: 4 },
      0,
      { revision: 4, outdated: false },
    ],
    [
      "is outdated where the list answers an earlier one",
      { revision: 4, listed: 3 },
      0,
      { revision: 4, outdated: true },
    ],
    ["is outdated by a later epoch", { revision: 4, listed: 4 }, 5, { revision: 5, outdated: true }],
    ["is up to date where the list answers the epoch", { revision: 4, listed: 5 }, 5, { revision: 5, outdated: false }],
    ["is not concerned by an earlier epoch", { revision: 4, listed: 4 }, 3, { revision: 4, outdated: false }],
    ["is tracked and outdated where the record is damaged", "?", 3, { revision: 3, outdated: true }],
    [
      "is outdated where the epoch cannot be read",
      { revision: 4, listed: 4 },
      undefined,
      { revision: 4, outdated: true },
    ],
  ])("%s", (_, record, epoch, expected) => {
    expect(savedUser(record, epoch)).toEqual(expected);
  });
});
