import { defer, map, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceLists } from "../../src/model/wire.js";
import { SYNC } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { localpart } from "../support/summary.js";
import { BOB, CAROL } from "../support/users.js";
import { accountIn, answering, unreadable, type Tab } from "./account-in.js";

/** Two tabs whose memory and store stand on s1. Their lookups of Carol are collected in `seen`. */
function tabsOnS1(m: Marbles, announced: DeviceLists = {}) {
  const account = accountIn(m);
  const first = account.open();
  first.give(answering(null, "s1", announced));
  const second = account.open();
  second.lookup([]).subscribe();
  const seen: string[] = [];
  const collect = (name: string, lookup$: Observable<readonly string[]>) => () => {
    lookup$.subscribe((lines) => seen.push(`${name}: ${lines.join()}`));
  };
  const lookups = {
    first: collect("first", first.lookup([CAROL])),
    second: collect("second", second.lookup([CAROL])),
    reloaded: collect(
      "reloaded",
      defer(() => account.open().lookup([CAROL])),
    ),
  };
  return { ...account, first, second, seen, lookups };
}

/*
 *   first     ─a────────────(commit)   a: Carol is outdated, and queried at once; the answer is OLD
 *   second    ───b                     b: Carol's new device is announced, and committed before first's commit
 *
 * First's commit finds the head moved. Its change had the number that second's commit has now.
 */
describe("a list that was queried before a step that another tab commits first", () => {
  it.each<[string, DeviceLists, (tab: Tab) => unknown]>([
    ["a step", {}, ({ give }) => give(answering("s1", "s2", { changed: [CAROL] }))],
    ["a step that may hide changes", { changed: [CAROL] }, ({ give }) => give(unreadable("s1", "s2"))],
    ["track()", {}, ({ tracker }) => tracker.track([CAROL]).subscribe()],
  ])("after %s is current for no caller", (_, before, outdate) => {
    marbles((m) => {
      const { first, second, replace, seen, lookups } = tabsOnS1(m, before);
      replace(CAROL, "OLD");
      first.store.takes = 10;
      first.store.loseAnnouncements();
      m.acts("-abc 50ms d 50ms e 50ms f 50ms g", {
        a: () => outdate(first),
        b: lookups.first,
        c: () => {
          replace(CAROL, "NEW");
          second.give(answering("s1", "s3", { changed: [CAROL] }));
        },
        d: lookups.first,
        e: lookups.second,
        f: lookups.first,
        g: lookups.reloaded,
      });
      m.afterwards(() => {
        expect(seen).toEqual([
          "first: carol OLD superseded",
          "first: carol NEW current",
          "second: carol NEW current",
          "first: carol NEW current",
          "reloaded: carol NEW current",
        ]);
      });
    })();
  });
});

describe("track() of a user who leaves in a step that another tab commits first", () => {
  it(
    "does not track them again: its caller did not know",
    marbles((m) => {
      const { first, second, replace, seen, lookups } = tabsOnS1(m);
      replace(CAROL, "OLD");
      first.store.takes = 10;
      const done: string[] = [];
      m.acts("-a-b 100ms c 50ms d", {
        a: () => first.tracker.track([CAROL]).subscribe({ complete: () => done.push("tracked") }),
        b: () => second.give(answering("s1", "s2", { changed: [CAROL] }), answering("s2", "s3", { left: [CAROL] })),
        c: lookups.first,
        d: lookups.reloaded,
      });
      m.afterwards(() => {
        expect(seen).toEqual(["first: carol OLD untracked", "reloaded: carol OLD untracked"]);
        expect(done).toEqual(["tracked"]);
      });
    }),
  );
});

describe("track() that waits for a gap while another tab commits a departure", () => {
  it(
    "does not track them: its caller did not know",
    marbles((m) => {
      const account = accountIn(m);
      const closed$ = m.cold("----(c|)", { c: {} });
      const first = account.open({ keysApi: { ...account.homeserver.keysApi, changes: () => closed$ } });
      first.give(answering(null, "s1"));
      const second = account.open();
      second.lookup([]).subscribe();
      m.acts("-abc", {
        a: () => first.give(answering("s9", "s10")),
        b: () => first.tracker.track([BOB, CAROL]).subscribe(),
        c: () => second.give(answering("s1", "s2", { left: [CAROL] })),
      });
      const names$ = first.tracker.trackedUsers$.pipe(map((users) => Array.from(users, localpart).join(" ")));
      m.expectObservable(names$).toBe("a----b", { a: "alice", b: "alice bob" });
    }),
  );
});

describe("a step that two tabs are given", () => {
  it(
    "is committed once, and the list that one of them fetches is used by all",
    marbles((m) => {
      const { homeserver, records, replace, first, second, seen, lookups } = tabsOnS1(m);
      replace(CAROL, "NEW");
      const step = answering("s1", "s2", { changed: [CAROL] });
      m.acts("-a-b-c-d-e-f", {
        a: () => first.give(step),
        b: lookups.first,
        c: () => second.give(step),
        d: lookups.second,
        e: lookups.first,
        f: lookups.reloaded,
      });
      m.afterwards(() => {
        expect(new Set(seen.map((line) => line.replace(/.*: /u, "")))).toEqual(new Set(["carol NEW current"]));
        expect(homeserver.queries).toHaveLength(1);
        expect(saved(records, SYNC)).toMatchObject({ head: 2, token: "s2" });
      });
    }),
  );

  it(
    "tracks no user again who has left in the meantime",
    marbles((m) => {
      const { first, second, seen, lookups, replace } = tabsOnS1(m);
      replace(CAROL, "NEW");
      const steps = [answering("s1", "s2", { changed: [BOB, CAROL] }), answering("s2", "s3", { left: [CAROL] })];
      m.acts("-a-b-c-d", {
        a: () => first.give(...steps),
        b: () => second.give(...steps),
        c: lookups.second,
        d: lookups.reloaded,
      });
      m.afterwards(() => {
        expect(seen).toEqual(["second: carol NEW untracked", "reloaded: carol NEW untracked"]);
      });
    }),
  );

  it(
    "is emitted once on synced$ in each tab, in order",
    marbles((m) => {
      const { first, second } = tabsOnS1(m);
      const tokens = [first, second].map((tab) => {
        const seen: string[] = [];
        tab.tracker.synced$.subscribe(({ next_batch }) => seen.push(next_batch));
        return seen;
      });
      m.acts("-a-b-c", {
        a: () => first.give(answering("s1", "s2", { changed: [CAROL] })),
        b: () => second.give(answering("s1", "s2", { changed: [CAROL] })),
        c: () => second.give(answering("s2", "s3")),
      });
      m.afterwards(() => {
        expect(tokens).toEqual([
          ["s2", "s3"],
          ["s2", "s2", "s3"], // another tab's step, and then its own response
        ]);
      });
    }),
  );
});

describe("a server that repeats its tokens", () => {
  it(
    "has each change applied and committed",
    marbles((m) => {
      const { replace, open } = accountIn(m);
      const { give, lookup } = open();
      const seen: unknown[] = [];
      const look = () => lookup([CAROL]).subscribe((lines) => seen.push(...lines));
      replace(CAROL, "OLD");
      give(answering(null, "a"), answering("a", "b", { changed: [CAROL] }));
      look();
      replace(CAROL, "NEW");
      give(answering("b", "a", { changed: [BOB] }), answering("a", "b", { changed: [CAROL] }));
      open()
        .known([CAROL])
        .subscribe((lines) => seen.push(...lines));
      look();
      replace(CAROL, "LAST");
      give(answering("b", "b", { changed: [CAROL] }));
      look();
      m.afterwards(() => {
        expect(seen).toEqual(["carol OLD current", "carol OLD outdated", "carol NEW current", "carol LAST current"]);
      });
    }),
  );
});

describe("what another tab does", () => {
  it(
    "is known at once: the list that it fetched replaces an older one in memory",
    marbles((m) => {
      const { homeserver, replace, first, second } = tabsOnS1(m, { changed: [CAROL] });
      replace(CAROL, "OLD");
      first.lookup([CAROL]).subscribe();
      replace(CAROL, "NEW");
      first.give(answering("s1", "s2", { changed: [CAROL] }));
      second.lookup([CAROL]).subscribe();
      m.expectObservable(first.known([CAROL])).toBe("(n|)", { n: ["carol NEW current"] });
      m.expectObservable(first.lookup([CAROL])).toBe("(n|)", { n: ["carol NEW current"] });
      m.afterwards(() => {
        expect(homeserver.queries).toHaveLength(2);
      });
    }),
  );

  it(
    "is emitted: trackedUsers$ is the same in both",
    marbles((m) => {
      const { first, second } = tabsOnS1(m);
      const sets = [first, second].map((tab) => {
        const seen: string[] = [];
        tab.tracker.trackedUsers$
          .pipe(map((users) => Array.from(users, localpart).join(" ")))
          .subscribe((users) => seen.push(users));
        return seen;
      });
      first.give(answering("s1", "s2", { changed: [CAROL] }), answering("s2", "s3", { left: [CAROL] }));
      m.afterwards(() => {
        const seen = ["alice", "alice carol", "alice"];
        expect(sets).toEqual([seen, seen]);
      });
    }),
  );
});
