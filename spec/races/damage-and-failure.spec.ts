import { defer, EMPTY, map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import type { RecordKey } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { EPOCH, readSync, SYNC } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put, saved } from "../support/saved.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { answer, changed, step } from "../support/wire.js";
import { accountIn, answering, unreadable, type Account, type Tab } from "./account-in.js";

const lists = {
  o: ["bob OLD current"],
  n: ["bob NEW current"],
  s: ["bob NEW superseded"],
  x: ["bob OLD outdated"],
};

/** Histories of a store, up to s3, by whose revision decides in the end: Bob's own, or that since which everyone is outdated. */
const histories = {
  bob: [answering(null, "s1"), unreadable("s1", "s2"), answering("s2", "s3", { changed: [BOB] })],
  everyone: [answering(null, "s1"), answering("s1", "s2", { changed: [BOB] }), unreadable("s2", "s3")],
};

/** A tab that stands on s3, and an account with this history; Bob's list, OLD, is saved and current. */
function accountWithList(
  m: Marbles,
  history: keyof typeof histories,
): Account & { readonly tab: Tab; readonly counter: () => number } {
  const account = accountIn(m);
  const tab = account.open();
  account.replace(BOB, "OLD");
  tab.give(...histories[history]);
  tab.lookup([BOB]).subscribe();
  tab.known([BOB]).subscribe((known) => expect(known).toEqual(lists.o));
  const counter = () => readSync(saved(account.records, SYNC))?.revision ?? Number.NaN;
  return { ...account, tab, counter };
}

interface Damage {
  readonly how: string;
  readonly key: RecordKey;
  readonly record: unknown;
  readonly history: keyof typeof histories;
}
const damages: readonly Damage[] = [
  { how: "an epoch that is no number", key: EPOCH, record: "x", history: "bob" },
  { how: "a sync record that is no object", key: SYNC, record: "x", history: "everyone" },
  { how: "a sync record without its counter", key: SYNC, record: { token: "s3", steps: [] }, history: "everyone" },
  { how: "no sync record", key: SYNC, record: undefined, history: "everyone" },
];

describe.each(damages)("a store damaged while it is in use: $how", ({ key, record, history }) => {
  const damage = ({ records }: Account) => {
    if (record !== undefined) put(records, [key, record]);
    else records.update([], () => ({ puts: [], deletes: [key], result: undefined })).subscribe();
  };
  /** Bob has a new device; the damage comes before the step that says so, or that may hide it, or after it. */
  const sequences = {
    "before a change": (account: Account, { give }: Tab) => {
      damage(account);
      account.replace(BOB, "NEW");
      give(answering("s3", "s4", { changed: [BOB] }));
    },
    "after a change": (account: Account, { give }: Tab) => {
      account.replace(BOB, "NEW");
      give(answering("s3", "s4", { changed: [BOB] }));
      damage(account);
    },
    "before everyone is outdated": (account: Account, { give }: Tab) => {
      damage(account);
      account.replace(BOB, "NEW");
      give(unreadable("s3", "s4"));
    },
    "after everyone is outdated": (account: Account, { give }: Tab) => {
      account.replace(BOB, "NEW");
      give(unreadable("s3", "s4"));
      damage(account);
    },
  };

  describe.each(Object.entries(sequences))("%s", (_, happen) => {
    it(
      "has nothing outdated called current",
      marbles((m) => {
        const { tab, ...account } = accountWithList(m, history);
        happen(account, tab);
        const seen: string[] = [];
        for (let i = 0; i < 3; i++) tab.lookup([BOB]).subscribe((found) => seen.push(...found));
        m.afterwards(() => {
          expect(seen).toHaveLength(3);
          for (const found of seen) expect(found).toMatch(/^bob NEW /u);
        });
      }),
    );

    it(
      "has nothing outdated called current after a restart",
      marbles((m) => {
        const { tab, ...account } = accountWithList(m, history);
        happen(account, tab);
        const restarted = account.open();
        m.expectObservable(restarted.known([BOB])).toBe("(x|)", lists);
        m.expectObservable(restarted.lookup([BOB]), "-^").toBe("-(n|)", lists);
        m.expectObservable(
          defer(() => account.open().known([BOB])),
          "--^",
        ).toBe("--(n|)", lists);
      }),
    );

    it(
      "has nothing outdated called current after look-ups and a restart",
      marbles((m) => {
        const { tab, ...account } = accountWithList(m, history);
        happen(account, tab);
        tab.lookup([BOB]).subscribe();
        m.expectObservable(
          defer(() => account.open().lookup([BOB])),
          "-^",
        ).toBe("-(n|)", lists);
      }),
    );

    it(
      "has the counter go on beyond all that it ever was",
      marbles((m) => {
        const { tab, counter, ...account } = accountWithList(m, history);
        tab.give(answering("s3", "s3", { changed: [CAROL] }));
        const before = counter();
        happen(account, tab);
        account.open().lookup([BOB]).subscribe(); // mends what it finds
        tab.give(answering("s4", "s5", { changed: [CAROL] }));
        m.afterwards(() => {
          expect(before).toBeGreaterThan(0);
          expect(counter()).toBeGreaterThan(before);
        });
      }),
    );
  });
});

describe("a sync response that throws when it is looked at", () => {
  const thrower = (next_batch: string): SyncResponse => ({
    next_batch,
    get device_lists(): never {
      throw new Error("no JSON");
    },
  });

  it(
    "is told, and outdates everyone",
    marbles((m) => {
      const sync$ = m.hot("--x", { x: thrower("s1") });
      const { lookup, problems$, problems } = trackerIn(m, {
        tracking: [BOB],
        sync$,
        answers: [of(answer({ [BOB]: ["OLD"] })), of(answer({ [BOB]: ["NEW"] }))],
      });
      m.expectObservable(lookup([BOB])).toBe("(o|)", lists);
      m.expectObservable(lookup([BOB]), "-^").toBe("-(o|)", lists);
      m.expectObservable(lookup([BOB]), "---^").toBe("---(n|)", lists);
      m.expectObservable(problems$).toBe("--p", { p: "sync-response-refused" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ error: { name: "InvalidResponseError", cause: { message: "no JSON" } } }]);
      });
    }),
  );

  it(
    "does not end the connection: later steps are applied and synced",
    marbles((m) => {
      const sync$ = m.hot("-xy", { x: thrower("s1"), y: step("s2", { changed: [CAROL] }) });
      const { tracker } = trackerIn(m, { sync$ });
      m.expectObservable(tracker.deviceChanges$.pipe(map(({ changed: users }) => users.map(localpart).join(" ")))).toBe(
        "--c",
        { c: "carol" },
      );
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("--y", { y: "s2" });
    }),
  );

  it(
    "while the saved state is being loaded leaves no later step behind, and no look-up",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 10 });
      const sync$ = m.hot("xy", { x: thrower("s1"), y: step("s2", { changed: [BOB] }) });
      const { tracker, lookup, problems$ } = trackerIn(m, { store, sync$, answers: [of(answer({ [BOB]: ["NEW"] }))] });
      m.expectObservable(lookup([BOB])).toBe("60ms (n|)", lists);
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).join(" ")))).toBe(
        "30ms u",
        { u: "alice bob" },
      );
      m.expectObservable(problems$).toBe("30ms p", { p: "sync-response-refused" });
    }),
  );
});

describe("an error of sync$", () => {
  it(
    "reaches synced$ at once where the store has been failing for long",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("a 63999ms #", { a: step("s1") }, "logged out");
      const { tracker } = trackerIn(m, { store, sync$ });
      for (let i = 0; i < 8; i++) store.failNext("the disk is full", "update");
      m.expectObservable(tracker.synced$).toBe("64s #", undefined, "logged out");
    }),
  );

  it(
    "reaches synced$ after the last step's commit where the store works",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, {
        store,
        sync$: m.hot("-a#", { a: step("s1") }, "logged out"),
        tracking: [BOB],
      });
      store.takes = 10;
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe(
        "-----------(a#)",
        { a: "s1" },
        "logged out",
      );
    }),
  );
});

describe("a store whose reads complete without a result", () => {
  it(
    "counts as failing: the server is asked, and it is told",
    marbles((m) => {
      const records = memoryStore();
      let empty = false;
      const store = {
        ...records,
        read: (keys: readonly RecordKey[]) => defer(() => (empty ? EMPTY : records.read(keys))),
      };
      trackerIn(m, { store, tracking: [BOB], answers: [of(answer({ [BOB]: ["OLD"] }))] })
        .lookup([BOB])
        .subscribe();
      const { lookup, problems$ } = trackerIn(m, { store, answers: [of(answer({ [BOB]: ["NEW"] }))] });
      lookup([]).subscribe(); // loads the saved state
      m.acts("-e", { e: () => (empty = true) });
      m.expectObservable(lookup([BOB]), "--^").toBe("--(n|)", lists);
      m.expectObservable(problems$).toBe("--p", { p: "read-failed" });
    }),
  );

  it.each(["read", "readKinds", "update"] as const)(
    "or whose %s does so from the start, is one that cannot be used: memory stands in",
    (operation) => {
      marbles((m) => {
        const { lookup, tracker, problems } = trackerIn(m, {
          store: { ...memoryStore(), [operation]: () => EMPTY },
          sync$: m.hot("-x", { x: changed(BOB) }),
          answers: [of(answer({ [BOB]: ["NEW"] }))],
        });
        m.expectObservable(lookup([BOB]), "--^").toBe("--(n|)", lists);
        m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("-x", { x: "s1" });
        m.afterwards(() => {
          expect(problems.map(({ type }) => type)).toEqual(["store-unavailable"]);
        });
      })();
    },
  );
});

describe("trackedUsers$", () => {
  it(
    "subscribed to while the store is another account's, emits once it can be loaded",
    marbles((m) => {
      const store = memoryStore();
      trackerIn(m, { store, userId: DAVE }).lookup([]).subscribe();
      const { tracker, lookup } = trackerIn(m, { store });
      m.expectObservable(tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).join(" ")))).toBe(
        "---a-b",
        { a: "alice", b: "alice bob" },
      );
      m.acts("--c", { c: () => store.clear().subscribe() });
      m.expectObservable(lookup([]), "---^").toBe("---(e|)", { e: [] });
      m.acts("-----t", { t: () => tracker.track([BOB]).subscribe() });
    }),
  );
});
