import {
  catchError,
  concat,
  concatMap,
  EMPTY,
  from,
  map,
  mergeMap,
  NEVER,
  of,
  skip,
  Subject,
  throwError,
  type Observable,
} from "rxjs";
import { describe, expect, it } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import { StoreClearedError, TrackerClosedError } from "../../src/model/errors.js";
import type { DeviceChanges } from "../../src/model/results.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { extensionKey, logKey, readLog, readSync, SYNC } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { countingStore, type StoreLog } from "../support/counting-store.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { Notebook, saying } from "../support/notebook.js";
import { put, saved, savedIds } from "../support/saved.js";
import { otherTab, setUp, type SetUp, type UnderTest } from "../support/set-up.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL, crowd, DAVE } from "../support/users.js";

/** Alice's tracker with a notebook. */
function withNotebook(m: Marbles, options: SetUp = {}) {
  const notebook = new Notebook();
  return { ...setUp(m, { extensions: [notebook], ...options }), notebook };
}

/** A tracker in another tab that has a notebook, too. */
function otherNotebook(m: Marbles, first: Pick<UnderTest, "homeserver" | "store">, options: SetUp = {}) {
  const notebook = new Notebook();
  return { ...otherTab(m, first, { extensions: [notebook], ...options }), notebook };
}

/** The notebook of the next page, once it has loaded what is saved. */
function nextNotebook(m: Marbles, { homeserver, store }: Pick<UnderTest, "homeserver" | "store">): Notebook {
  const { notebook, lookup } = otherNotebook(m, { homeserver, store }, { connected: false });
  lookup([]).subscribe();
  return notebook;
}

/** Two tabs that both commit. What the first one commits is announced to the second one 9 ms later. */
function twoTabs(m: Marbles, theirs: SetUp, ours: SetUp) {
  const first = withNotebook(m, theirs);
  const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records, announceAfter: 9 });
  const second = otherNotebook(m, first, { store, ...ours });
  second.lookup([]).subscribe();
  return { first, second };
}

const names = ({ tracker }: Pick<UnderTest, "tracker">) =>
  tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).join(" ")));

const lastOf = ({ records }: ScriptedStore) => saved(records, logKey(readSync(saved(records, SYNC))?.position ?? 0));

describe("the events of a response", () => {
  it(
    "are committed with its token, in the same transaction and the same records",
    marbles((m) => {
      const writes = (options: SetUp) => {
        const log: StoreLog = { reads: [], writes: [] };
        const store = new ScriptedStore({ scheduler: m.scheduler, records: countingStore(log, memoryStore()) });
        const steps = [
          saying("s0", "s1", ["a", "b"]),
          saying("s1", "s2", ["c"], { changed: [BOB] }),
          saying("s2", "s3"),
        ];
        setUp(m, { store, sync$: from(steps), ...options });
        return { log, store };
      };
      const { log, store } = writes({ extensions: [new Notebook(), new Notebook("another")] });
      expect(log.writes).toEqual(writes({}).log.writes);
      expect(log.writes.slice(-3)).toEqual([2, 3, 4].map((at) => [`log/${at}`, "account/sync"]));
      const step = { since: "s1", next: "s2", changed: [BOB], events: { notebook: [{ word: "c" }] } };
      expect(saved(store.records, logKey(3))).toMatchObject({ commits: [{ change: step }] });
    }),
  );

  it(
    "are applied in memory before anything is emitted",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: saying("s0", "s1", ["a"], { changed: [BOB] }) });
      const first = withNotebook(m, { sync$ });
      for (const { tracker, notebook } of [first, otherNotebook(m, first)]) {
        const seen = () => `${[...notebook.words].join(" ")} ${String(notebook.tracker.token)}`;
        const sets$ = tracker.trackedUsers$.pipe(skip(1));
        const streams: readonly Observable<unknown>[] = [
          tracker.deviceChanges$,
          sets$,
          tracker.applied$,
          tracker.synced$,
        ];
        for (const stream$ of streams) m.expectObservable(stream$.pipe(map(seen))).toBe("-x", { x: "a s1" });
      }
    }),
  );

  it(
    "are followed by another tab, in order",
    marbles((m) => {
      const sync$ = m.hot("-x-y", { x: saying("s0", "s1", ["a", "b"]), y: saying("s1", "s2", ["c"]) });
      const first = withNotebook(m, { sync$ });
      const { notebook, lookup } = otherNotebook(m, first);
      lookup([]).subscribe();
      m.afterwards(() => {
        expect(notebook.calls).toEqual(["restore", "apply a", "apply b", "apply c"]);
      });
    }),
  );

  it(
    "are restored from the log after a restart",
    marbles((m) => {
      const sync$ = from([saying("s0", "s1", ["a", "b"]), saying("s1", "s2"), saying("s2", "s3", ["c"])]);
      const first = withNotebook(m, { sync$ });
      expect(nextNotebook(m, first).calls).toEqual(["restore", "apply a", "apply b", "apply c"]);
    }),
  );

  it(
    "are restored from a snapshot, and from the log since",
    marbles((m) => {
      const steps = Array.from({ length: 600 }, (_, i) => saying(`s${i}`, `s${i + 1}`, [`w${i}`]));
      const first = withNotebook(m, { sync$: from(steps) });
      const { words, calls } = nextNotebook(m, first);
      expect([...words]).toEqual(steps.map((_, i) => `w${i}`));
      const folded = calls[0]?.split(" ").slice(1) ?? [];
      expect(folded.length).toBeGreaterThanOrEqual(500 - 5);
      expect(calls.slice(1)).toEqual([...words].slice(folded.length).map((word) => `apply ${word}`));
    }),
  );

  it(
    "of a step that is applied in parts are applied with the last one, which moves the token",
    marbles((m) => {
      const many = crowd(2_500);
      const sync$ = m.hot("-x", { x: saying("s0", "s1", [{ word: "a", changed: [BOB] }], { changed: many }) });
      const first = withNotebook(m, { sync$ });
      m.expectObservable(first.tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE, ...many, BOB]) });
      m.afterwards(() => {
        const last = { since: "s0", next: "s1", changed: [BOB], events: { notebook: [{ word: "a" }] } };
        const { commits = [] } = readLog(lastOf(first.store)) as { readonly commits?: readonly unknown[] };
        expect(commits.at(-1)).toMatchObject({ change: last });
        for (const { calls } of [first.notebook, nextNotebook(m, first)]) expect(calls).toEqual(["restore", "apply a"]);
      });
    }),
  );

  it(
    "of a step from a stream that is behind are dropped",
    marbles((m) => {
      const steps = { x: saying("s0", "s1", ["a"]), y: saying("s1", "s2", ["b"]), z: saying("s0", "s5", ["late"]) };
      const first = withNotebook(m, { sync$: m.hot("-xyz", steps) });
      m.afterwards(() => {
        for (const { words } of [first.notebook, nextNotebook(m, first)]) expect([...words]).toEqual(["a", "b"]);
      });
    }),
  );

  it(
    "of a step that was applied already are not applied again",
    marbles((m) => {
      const x = saying("s0", "s1", ["a"]);
      const { notebook } = withNotebook(m, { sync$: m.hot("-xx", { x }) });
      m.afterwards(() => {
        expect(notebook.calls).toEqual(["restore", "apply a"]);
      });
    }),
  );

  it(
    "come after those of other tabs if the head has moved: they are applied again",
    marbles((m) => {
      const { first, second } = twoTabs(
        m,
        { sync$: m.hot("-x", { x: saying("s0", "s1", ["theirs"]) }) },
        { sync$: m.hot("---y", { y: saying("s1", "s2", ["ours"]) }), gaps: "distrust" },
      );
      m.acts("--c", { c: () => second.notebook.tracker.commit({ word: "own" }).subscribe() });
      m.afterwards(() => {
        const rebased = ["restore", "apply theirs", "apply own", "apply ours"];
        expect(second.notebook.calls).toEqual(["restore", "apply own", ...rebased]);
        expect(nextNotebook(m, first).calls).toEqual(["restore", "apply theirs", "apply own", "apply ours"]);
        expect(first.notebook.calls).toEqual(nextNotebook(m, first).calls);
      });
    }),
  );

  it(
    "of a pending step are dropped if another tab has gone another way: it is given them again",
    marbles((m) => {
      const { first, second } = twoTabs(
        m,
        { sync$: m.hot("-x", { x: saying("s0", "s7", ["theirs"]) }) },
        { sync$: m.hot("--y", { y: saying("s0", "s2", ["ours"]) }) },
      );
      m.afterwards(() => {
        expect(second.notebook.calls).toEqual(["restore", "apply ours", "restore", "apply theirs"]);
        expect(nextNotebook(m, first).calls).toEqual(["restore", "apply theirs"]);
      });
    }),
  );

  it(
    "of steps that are joined while the store fails are all committed",
    marbles((m) => {
      const steps = { x: saying("s0", "s1", ["a"]), y: saying("s1", "s2", ["b"]), z: saying("s2", "s3", ["c"]) };
      const first = withNotebook(m, { sync$: m.hot("-xyz", steps) });
      first.store.failNext("the disk is full", "update");
      m.expectObservable(first.synced$).toBe("- 1s (xyz)", { x: "s1", y: "s2", z: "s3" });
      m.afterwards(() => {
        const events = { notebook: [{ word: "b" }, { word: "c" }] };
        expect(lastOf(first.store)).toMatchObject({ commits: [{}, { change: { since: "s1", next: "s3", events } }] });
        for (const { words } of [first.notebook, nextNotebook(m, first)]) expect([...words]).toEqual(["a", "b", "c"]);
      });
    }),
  );

  it(
    "of an idle poll are committed; an idle poll without any is not",
    marbles((m) => {
      const sync$ = from([saying("s0", "s0", ["a"]), saying("s0", "s0")]);
      const { store, notebook } = withNotebook(m, { sync$ });
      expect(notebook.calls).toEqual(["restore", "apply a"]);
      expect(saved(store.records, SYNC)).toMatchObject({ head: 2, token: "s0" });
    }),
  );
});

describe("an extension is told that it has missed something", () => {
  const afterGap = saying("s5", "s6", ["next"]);

  it.each<[string, SetUp]>([
    ["was closed with /keys/changes", { changes: () => of({ changed: [BOB] }) }],
    ["could not be closed", { changes: () => throwError(() => new Error("no answer")) }],
    ["was not asked about", { gaps: "distrust" }],
  ])("in a gap that %s, before the step after it", (_, options) => {
    marbles((m) => {
      const first = withNotebook(m, { sync$: m.hot("-x", { x: afterGap }), ...options });
      const second = otherNotebook(m, first);
      second.lookup([]).subscribe();
      m.afterwards(() => {
        for (const { calls } of [first.notebook, second.notebook, nextNotebook(m, first)])
          expect(calls).toEqual(["restore", "missed", "apply next"]);
      });
    })();
  });

  it.each<[string, SyncResponse]>([
    ["an initial sync on a token", { since: null, next_batch: "s9", entries: [{ word: "whole" }] }],
    ["a first response that does not say what it answered", { next_batch: "s9", entries: [{ word: "whole" }] }],
  ])("before %s, which is read all the same", (_, response) => {
    marbles((m) => {
      const former = withNotebook(m, { sync$: of(saying("s0", "s1", ["old"])) });
      former.tracker.close();
      const { lookup, notebook } = otherNotebook(m, former, { sync$: m.hot("-x", { x: response }) });
      lookup([]).subscribe();
      m.afterwards(() => {
        expect(notebook.calls).toEqual(["restore", "apply old", "missed", "apply whole"]);
        expect(nextNotebook(m, former).calls).toEqual(["restore", "apply old", "missed", "apply whole"]);
      });
    })();
  });

  it(
    "but not in a gap that another tab has closed with the missing steps",
    marbles((m) => {
      const first = withNotebook(m, { sync$: m.hot("-x", { x: saying("s0", "s5", ["theirs"]) }) });
      const { store, notebook, lookup } = otherNotebook(m, first, { sync$: m.hot("--x", { x: afterGap }) });
      lookup([]).subscribe();
      store.loseAnnouncements();
      m.afterwards(() => {
        expect(notebook.calls).toEqual(["restore", "apply theirs", "apply next"]);
      });
    }),
  );

  it(
    "after a step of a tracker that does not have it",
    marbles((m) => {
      const steps = { x: saying("s0", "s1", ["a"]), y: saying("s2", "s3", ["b"]) };
      const first = withNotebook(m, { sync$: m.hot("-x-y", steps) });
      otherTab(m, first, { sync$: m.hot("--z", { z: saying("s1", "s2", ["lost"]) }) });
      m.afterwards(() => {
        for (const { calls } of [first.notebook, nextNotebook(m, first)])
          expect(calls).toEqual(["restore", "apply a", "missed", "apply b"]);
      });
    }),
  );

  it(
    "by its first tracker on a store that was used without it",
    marbles((m) => {
      expect(nextNotebook(m, setUp(m, { sync$: of(saying("s0", "s1")) })).calls).toEqual([
        "restore",
        "missed",
        "missed",
      ]);
    }),
  );

  it(
    "after a snapshot of a tracker that does not have it: what was saved is lost",
    marbles((m) => {
      const first = withNotebook(m, { sync$: of(saying("s0", "s1", ["a"])) });
      const steps = Array.from({ length: 300 }, (_, i) => saying(`s${i + 1}`, `s${i + 2}`));
      otherTab(m, first, { sync$: from(steps) });
      const [restored, ...calls] = nextNotebook(m, first).calls;
      expect(restored).toBe("restore lost");
      expect(new Set(calls)).toEqual(new Set(["missed"]));
    }),
  );

  it(
    "after damage: what was saved is lost",
    marbles((m) => {
      const first = withNotebook(m, { sync$: from([saying("s0", "s1", ["a"]), saying("s1", "s2", ["b"])]) });
      put(first.store.records, [logKey(2), "?"]);
      expect(nextNotebook(m, first).calls).toEqual(["restore lost"]);
      expect(nextNotebook(m, first).calls).toEqual(["restore lost"]);
    }),
  );
});

describe("the records of an extension", () => {
  /** So many words that there is a snapshot, of one record each. */
  function afterSnapshot(m: Marbles) {
    return withNotebook(m, {
      sync$: from(Array.from({ length: 300 }, (_, i) => saying(`s${i}`, `s${i + 1}`, i < 3 ? [`w${i}`] : []))),
    });
  }

  it(
    "are written and read with the snapshot",
    marbles((m) => {
      const first = afterSnapshot(m);
      expect(savedIds(first.store.records, "extension")).toEqual(["notebook/0", "notebook/1", "notebook/2"]);
      expect(nextNotebook(m, first).calls).toEqual(["restore w0 w1 w2"]);
    }),
  );

  it(
    "are lost, all of them, if one is missing",
    marbles((m) => {
      const { store, homeserver } = afterSnapshot(m);
      put(store.records, [extensionKey("notebook", 1), undefined]);
      expect(nextNotebook(m, { store, homeserver }).calls).toEqual(["restore lost"]);
    }),
  );

  it.each([["a word"], [null], [{ notebook: 4 }], [{ another: 1 }]])(
    "are lost if the head says %j of them",
    (extensions) => {
      marbles((m) => {
        const { store, homeserver } = afterSnapshot(m);
        const sync = readSync(saved(store.records, SYNC));
        put(store.records, [SYNC, { ...sync, snapshot: { ...sync?.snapshot, extensions } }]);
        expect(nextNotebook(m, { store, homeserver }).calls).toEqual(["restore lost"]);
      })();
    },
  );

  it(
    "are handed to the extension as they are: it checks them",
    marbles((m) => {
      const { store, homeserver } = afterSnapshot(m);
      put(store.records, [extensionKey("notebook", 1), 7]);
      expect(nextNotebook(m, { store, homeserver }).calls).toEqual(["restore w0 7 w2"]);
    }),
  );

  it(
    "are deleted with the rest of a damaged account",
    marbles((m) => {
      const { store, homeserver } = afterSnapshot(m);
      put(store.records, [SYNC, "?"]);
      expect(nextNotebook(m, { store, homeserver }).calls).toEqual(["restore lost"]);
      expect(savedIds(store.records, "extension")).toEqual([]);
    }),
  );
});

describe("users named by events", () => {
  const entry = (word: string, changed: DeviceChanges["changed"], left: DeviceChanges["left"] = []) => ({
    word,
    changed,
    left,
  });

  it(
    "change and leave in the very step",
    marbles((m) => {
      const x = saying("s0", "s1", [entry("a", [DAVE], [CAROL]), entry("b", [CAROL], [BOB])], { changed: [BOB] });
      const first = withNotebook(m, { tracked: [BOB], sync$: m.hot("-x", { x }) });
      const second = otherNotebook(m, first);
      for (const under of [first, second]) {
        m.expectObservable(names(under)).toBe("ax", { a: "alice bob", x: "alice dave carol" });
        m.expectObservable(under.tracker.deviceChanges$).toBe("-x", { x: { changed: [DAVE, CAROL], left: [BOB] } });
      }
      m.afterwards(() => {
        const step = { changed: [DAVE, CAROL], left: [BOB], since: "s0", next: "s1" };
        expect(lastOf(first.store)).toMatchObject({ commits: [{ number: 3, change: step }] });
      });
    }),
  );

  it(
    "do not become tracked if the server says that they left",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: saying("s0", "s1", [entry("a", [BOB, CAROL])], { left: [BOB] }) });
      const under = withNotebook(m, { tracked: [BOB], sync$ });
      m.expectObservable(names(under)).toBe("ax", { a: "alice bob", x: "alice carol" });
    }),
  );

  it(
    "do not leave if they are our own",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: saying("s0", "s1", [entry("a", [], [ALICE, BOB])]) });
      const under = withNotebook(m, { tracked: [BOB], sync$ });
      m.expectObservable(names(under)).toBe("ax", { a: "alice bob", x: "alice" });
    }),
  );

  it(
    "are left out and reported if they are not user IDs",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: saying("s0", "s1", [entry("a", ["carol", BOB])]) });
      const under = withNotebook(m, { sync$ });
      m.expectObservable(names(under)).toBe("ax", { a: "alice", x: "alice bob" });
      m.expectObservable(under.problems$).toBe("-p", { p: "user-ids-refused" });
    }),
  );

  it(
    "may be more than are processed at once: it is one commit",
    marbles((m) => {
      const many = crowd(2_500);
      const sync$ = m.hot("-x", { x: saying("s0", "s1", [entry("a", many)]) });
      const first = withNotebook(m, { sync$ });
      m.expectObservable(first.tracker.deviceChanges$).toBe("-x", { x: { changed: many, left: [] } });
      m.expectObservable(first.tracker.trackedUsers$, "--^").toBe("--u", { u: new Set([ALICE, ...many]) });
      m.afterwards(() => {
        expect(lastOf(first.store)).toMatchObject({ commits: [{ number: 2, change: { next: "s1", changed: many } }] });
        expect(readLog(lastOf(first.store))).toHaveProperty("commits.length", 1);
      });
    }),
  );

  it(
    "are looked up at once from inside the emission",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: saying("s0", "s1", [entry("a", [BOB])]) });
      const { tracker, lookup, expectQueries } = withNotebook(m, { devices: { [BOB]: ["B1"] }, sync$ });
      m.expectObservable(tracker.applied$.pipe(mergeMap(() => lookup([BOB])))).toBe("-b", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "--^").toBe("--(b|)", { b: ["bob B1 current"] });
      expectQueries("1-1 bob");
    }),
  );

  it(
    "are tracked after a restart if the extension wants them to be",
    marbles((m) => {
      const first = withNotebook(m);
      const notebook = new Notebook();
      notebook.wanted.push(BOB, ALICE);
      const next = otherTab(m, first, { extensions: [notebook], connected: false });
      m.expectObservable(names(next)).toBe("a", { a: "alice bob" });
      m.expectObservable(names(otherTab(m, first, { connected: false })), "-^").toBe("-a", { a: "alice bob" });
    }),
  );
});

describe("users whom an extension wants to be tracked", () => {
  function twoNotebooks(m: Marbles) {
    const sync$ = new Subject<SyncResponse>();
    const first = withNotebook(m, { tracked: [BOB], sync$ });
    const second = otherNotebook(m, first);
    second.lookup([]).subscribe();
    return { first, second, sync$ };
  }

  it(
    "are tracked when everything is read again because the log does not go back far enough",
    marbles((m) => {
      const { second, sync$ } = twoNotebooks(m);
      second.store.loseAnnouncements();
      second.store.failNext("the disk is full", "update");
      second.notebook.wanted.push(CAROL);
      second.notebook.tracker.commit({ word: "c", changed: [CAROL] }).subscribe();
      for (let i = 0; i < 600; i++) sync$.next(saying(`s${i}`, `s${i + 1}`, [`w${i}`]));
      m.acts("-w", { w: () => second.store.wake() });
      m.expectObservable(names(second), "--^").toBe("--a", { a: "alice bob carol" });
      m.afterwards(() => {
        expect(second.notebook.calls.at(-1)).toBe("apply c");
        expect(second.notebook.words.size).toBe(601);
      });
    }),
  );

  it(
    "are tracked when everything is read again because it is damaged",
    marbles((m) => {
      const { first, second } = twoNotebooks(m);
      second.notebook.wanted.push(CAROL);
      m.acts("--d", {
        d: () => {
          put(first.store.records, [SYNC, "?"]);
          second.store.wake();
        },
      });
      m.expectObservable(names(second)).toBe("a-d", { a: "alice bob", d: "alice carol" });
      m.afterwards(() => {
        expect(second.notebook.calls).toEqual(["restore", "restore lost"]);
      });
    }),
  );
});

describe("commit()", () => {
  it(
    "applies its event at once, and completes when it is durable",
    marbles((m) => {
      const first = withNotebook(m, { tracked: [BOB] });
      first.store.takes = 3;
      m.expectObservable(first.notebook.tracker.commit({ word: "a", changed: [CAROL], left: [BOB] }), "-^").toBe(
        "----|",
      );
      m.expectObservable(first.tracker.deviceChanges$).toBe("-x", { x: { changed: [CAROL], left: [BOB] } });
      m.expectObservable(first.tracker.applied$).toBe("-");
      m.acts("--c", { c: () => expect([...first.notebook.words]).toEqual(["a"]) });
      m.afterwards(() => {
        expect(saved(first.store.records, SYNC)).toMatchObject({ head: 3, token: "s0" });
        expect(nextNotebook(m, first).calls).toEqual(["restore", "apply a"]);
      });
    }),
  );

  it(
    "is cold, and goes on when it is unsubscribed",
    marbles((m) => {
      const { notebook, store, homeserver } = withNotebook(m);
      store.takes = 3;
      const commit$ = notebook.tracker.commit({ word: "a" });
      m.expectObservable(commit$, "--^!").toBe("--");
      m.acts("-c", { c: () => expect(notebook.words.size).toBe(0) });
      m.afterwards(() => {
        expect(nextNotebook(m, { store, homeserver }).calls).toEqual(["restore", "apply a"]);
      });
    }),
  );

  it(
    "is followed by another tab, which emits no response for it",
    marbles((m) => {
      const first = withNotebook(m);
      const second = otherNotebook(m, first);
      second.lookup([]).subscribe();
      first.notebook.tracker.commit({ word: "a", changed: [BOB] }).subscribe();
      m.expectObservable(second.tracker.applied$).toBe("-");
      m.expectObservable(names(second)).toBe("a", { a: "alice bob" });
      m.afterwards(() => {
        expect(second.notebook.calls).toEqual(["restore", "apply a"]);
      });
    }),
  );

  it(
    "is in its place among the responses while the saved state is loading",
    marbles((m) => {
      const steps = { x: saying("s0", "s1", ["x"]), y: saying("s1", "s2", ["y"]) };
      const store = new ScriptedStore({ scheduler: m.scheduler, takes: 9, records: setUp(m).store.records });
      const { notebook } = withNotebook(m, { store, homeserver: setUp(m).homeserver, sync$: m.hot("-x-y", steps) });
      m.acts("--c", { c: () => notebook.tracker.commit({ word: "c" }).subscribe() });
      m.afterwards(() => {
        expect(notebook.calls.slice(-3)).toEqual(["apply x", "apply c", "apply y"]);
      });
    }),
  );

  it(
    "is in its place among the responses while a gap is open",
    marbles((m) => {
      const steps = { x: saying("s5", "s6", ["x"]), y: saying("s6", "s7", ["y"]) };
      const changes = () => m.cold("-----(x|)", { x: { changed: [] } });
      const { notebook } = withNotebook(m, { sync$: m.hot("-x-y", steps), changes });
      m.expectObservable(notebook.tracker.commit({ word: "c" }), "--^").toBe("------|");
      m.expectObservable(notebook.tracker.ready$, "^").toBe("(r|)", { r: undefined });
      m.expectObservable(notebook.tracker.ready$, "--^").toBe("------(r|)", { r: undefined });
      m.afterwards(() => {
        expect(notebook.calls).toEqual(["restore", "missed", "apply x", "apply c", "apply y"]);
      });
    }),
  );

  it.each([
    ["apply", ["apply inner", "apply x", "apply y"]],
    ["missed", ["missed", "apply x", "apply inner", "apply y"]],
  ] as const)("may be called from inside %s()", (method, calls) => {
    marbles((m) => {
      const steps = { x: saying(method === "missed" ? "s5" : "s0", "s6", ["x"]), y: saying("s6", "s7", ["y"]) };
      const under = withNotebook(m, { sync$: m.hot("-x-y", steps) });
      under.notebook.whenCalled = (call) => {
        if (call === (method === "missed" ? "missed" : "apply x"))
          under.notebook.tracker.commit({ word: "inner" }).subscribe();
      };
      m.afterwards(() => {
        expect([...under.notebook.words].sort()).toEqual(["inner", "x", "y"]);
        expect(nextNotebook(m, under).calls).toEqual(["restore", ...calls]);
      });
    })();
  });

  it(
    "does not track users who left in a commit that it did not know",
    marbles((m) => {
      const { first, second } = twoTabs(m, { sync$: m.hot("-x", { x: saying("s0", "s1", [], { left: [BOB] }) }) }, {});
      const event = { word: "c", changed: [BOB, CAROL] };
      m.expectObservable(second.notebook.tracker.commit(event), "--^").toBe("--|");
      for (const under of [first, second]) m.expectObservable(names(under), "---^").toBe("---a", { a: "alice carol" });
      m.afterwards(() => {
        expect(nextNotebook(m, first).calls).toEqual(["restore", "apply c"]);
      });
    }),
  );

  it(
    "is not committed twice if the answer of its transaction was lost",
    marbles((m) => {
      const { store, notebook, homeserver } = withNotebook(m, { storeDeadline: 5 });
      store.hangNext("update", true);
      m.expectObservable(notebook.tracker.commit({ word: "a" })).toBe("1005ms |");
      m.afterwards(() => {
        expect(nextNotebook(m, { store, homeserver }).calls).toEqual(["restore", "apply a"]);
      });
    }),
  );

  it(
    "fails after clear() and after close()",
    marbles((m) => {
      const [cleared, closed] = [withNotebook(m, { tracked: [BOB] }), withNotebook(m)];
      m.acts("-c", {
        c: () => {
          cleared.store.clear().subscribe();
          closed.tracker.close();
        },
      });
      m.expectObservable(cleared.notebook.tracker.commit({ word: "a" }), "--^").toBe(
        "--#",
        {},
        new StoreClearedError(),
      );
      m.expectObservable(cleared.notebook.tracker.commit({ word: "a" }), "---^").toBe(
        "---#",
        {},
        new StoreClearedError(),
      );
      m.expectObservable(closed.notebook.tracker.commit({ word: "a" }), "--^").toBe(
        "--#",
        {},
        new TrackerClosedError(),
      );
      m.expectObservable(closed.notebook.tracker.ready$, "--^").toBe("--#", {}, new TrackerClosedError());
      m.expectObservable(closed.notebook.tracker.alive(NEVER), "--^").toBe("--|");
      m.afterwards(() => {
        expect(savedIds(cleared.store.records, "log")).toEqual([]);
      });
    }),
  );

  it(
    "fails when the tracker is closed before it is durable, and is given a last try",
    marbles((m) => {
      const { store, notebook, tracker, homeserver } = withNotebook(m);
      store.takes = 5;
      m.acts("--c", { c: () => tracker.close() });
      m.expectObservable(notebook.tracker.commit({ word: "a" }), "-^").toBe("--#", {}, new TrackerClosedError());
      m.afterwards(() => {
        expect(nextNotebook(m, { store, homeserver }).calls).toEqual(["restore", "apply a"]);
      });
    }),
  );
});

describe("a store that is opened late", () => {
  /** The next page on what is saved, whose store can be opened after 30 s. */
  function openedLate(m: Marbles, former: Pick<UnderTest, "homeserver" | "store">, options: SetUp = {}) {
    const store = new ScriptedStore({ scheduler: m.scheduler, records: former.store.records });
    store.failNext("no disk");
    return otherNotebook(m, former, { store, ...options });
  }

  it(
    "is given a summary of what memory knows, after what it has missed",
    marbles((m) => {
      const former = withNotebook(m, { sync$: of(saying("s0", "s1", ["old"])) });
      former.tracker.close();
      const steps = { x: saying(null, "t1", ["x"]), y: saying("t1", "t2", ["y"]), z: saying("t2", "t3", ["z"]) };
      const { notebook } = openedLate(m, former, { sync$: m.hot("-x-y 31s z", steps) });
      m.acts("--c", { c: () => notebook.tracker.commit({ word: "c" }).subscribe() });
      m.afterwards(() => {
        const late = ["missed", "apply x", "apply c", "apply y", "apply z"];
        expect(notebook.calls).toEqual(["restore", ...late.slice(1, 4), "restore", "apply old", ...late]);
        expect(nextNotebook(m, former).calls).toEqual(["restore", "apply old", ...late]);
      });
    }),
  );

  it(
    "misses nothing if there was no response",
    marbles((m) => {
      const former = withNotebook(m, { sync$: of(saying("s0", "s1", ["old"])) });
      former.tracker.close();
      const { notebook } = openedLate(m, former);
      m.acts("--c", { c: () => notebook.tracker.commit({ word: "c" }).subscribe() });
      m.afterwards(() => {
        expect(notebook.calls).toEqual(["restore", "apply c", "restore", "apply old", "apply c"]);
        expect(nextNotebook(m, former).calls).toEqual(["restore", "apply old", "apply c"]);
      });
    }),
  );
});

describe("what cannot be cloned", () => {
  const unclonable = { word: "a", then: () => {} };

  it(
    "is reported and missed, and holds up no commit",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: { since: "s0", next_batch: "s1", entries: [unclonable] } });
      const { notebook, problems, synced$ } = withNotebook(m, { sync$ });
      m.expectObservable(synced$).toBe("-x", { x: "s1" });
      m.afterwards(() => {
        expect(notebook.calls).toEqual(["restore", "missed", "missed"]);
        expect(problems).toMatchObject([{ type: "extension-failed", name: "notebook" }]);
      });
    }),
  );

  it(
    "is an error of commit()",
    marbles((m) => {
      const { notebook } = withNotebook(m);
      const failure$ = notebook.tracker
        .commit(unclonable)
        .pipe(catchError((error: unknown) => of((error as Error).name)));
      m.expectObservable(failure$).toBe("(x|)", { x: "DataCloneError" });
    }),
  );
});

describe("an extension that throws", () => {
  it.each(["read", "apply", "restore", "missed", "records", "summary", "trackedUsers"] as const)(
    "in %s() is reported, and everything else goes on",
    (method) => {
      marbles((m) => {
        const [broken, sound] = [new Notebook("broken"), new Notebook("sound")];
        broken.broken.add(method);
        const former = withNotebook(m, { extensions: [broken, sound] });
        const store = new ScriptedStore({ scheduler: m.scheduler, records: former.store.records });
        store.failNext("no disk");
        const steps = Array.from({ length: 300 }, (_, i) =>
          saying(`s${i}`, `s${i + 1}`, i === 0 ? ["a"] : [], { changed: [BOB] }),
        );
        const gap = saying("s999", "s1000", ["b"], { changed: [CAROL] });
        const sync$ = m.hot("-x", { x: true }).pipe(concatMap(() => concat(steps, [gap], NEVER)));
        const under = otherTab(m, former, {
          store,
          extensions: [broken, sound],
          sync$,
          changes: () => of({ changed: [] }),
        });
        m.expectObservable(names(under), "32s ^").toBe("32s a", { a: "alice bob carol" });
        m.expectObservable(under.lookup([BOB]), "32s ^").toBe("32s (b|)", { b: ["bob - current"] });
        m.afterwards(() => {
          const failures = [...former.problems, ...under.problems].filter(({ type }) => type === "extension-failed");
          expect(failures[0]).toMatchObject({ name: "broken", error: new Error(`${method}() is broken`) });
          expect(failures.every((problem) => "name" in problem && problem.name === "broken")).toBe(true);
          expect([...sound.words]).toEqual(["a", "b"]);
          expect(broken.calls).toContain("missed");
          expect(saved(under.store.records, SYNC)).toMatchObject({ token: "s1000" });
        });
      })();
    },
  );

  it(
    "in apply() does not keep the rest of the step from being applied",
    marbles((m) => {
      const broken = new Notebook("broken");
      broken.broken.add("apply");
      const sync$ = m.hot("-x", { x: saying("s0", "s1", ["a", "b"], { changed: [BOB] }) });
      const under = setUp(m, { extensions: [broken], sync$ });
      m.expectObservable(under.tracker.deviceChanges$).toBe("-x", { x: { changed: [BOB], left: [] } });
      m.expectObservable(under.problems$).toBe("-(pp)", { p: "extension-failed" });
      expect(broken.calls).toEqual(["restore"]);
      m.afterwards(() => {
        expect(broken.calls).toEqual(["restore", "apply a", "missed", "apply b", "missed"]);
      });
    }),
  );
});

describe("the names of extensions", () => {
  const trackerWith = (...extensions: readonly Notebook[]) =>
    new DeviceTracker({ userId: ALICE, sync$: EMPTY, keysApi: keysApiOf([]), extensions });

  it("are checked", () => {
    expect(() => trackerWith(new Notebook(""))).toThrow(TypeError);
    expect(() => trackerWith(new Notebook(), new Notebook())).toThrow("different names, not notebook, notebook");
    expect(() => trackerWith(new Notebook(), new Notebook("notebook/0"))).not.toThrow();
  });

  it.each(["__proto__", "constructor", "a/0"])("may be %s", (name) => {
    marbles((m) => {
      const notebook = new Notebook(name);
      const sync$ = m.hot("x", { x: saying("s0", "s1", ["a"]) });
      const first = setUp(m, { extensions: [new Notebook("a"), notebook], sync$ });
      otherTab(m, first, { sync$: m.hot("-x", { x: saying("s1", "s2") }) });
      m.afterwards(() => {
        expect(notebook.calls).toEqual(["restore", "apply a", "missed"]);
        expect(first.problems).toEqual([]);
      });
    })();
  });
});
