import { switchMap } from "rxjs";
import { describe, it } from "vitest";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { otherTab, setUp, type SetUp } from "../support/set-up.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { step } from "../support/wire.js";

const result = (...users: readonly string[]) => ({ x: users });

/** The first tab syncs and applies the response at 2, but its store fails for 1 s: it is announced as pending. Both lists are fetched. */
function twoTabs(m: Marbles, options: SetUp = {}) {
  const first = setUp(m, {
    tracked: [BOB, CAROL],
    devices: { [BOB]: ["B1"], [CAROL]: ["C1"] },
    sync$: m.hot("--x", { x: step("s1", { changed: [BOB] }) }),
    ...options,
  });
  first.lookup([BOB, CAROL]).subscribe();
  const second = otherTab(m, first, {
    store: new ScriptedStore({ scheduler: m.scheduler, records: first.store.records }),
  });
  second.lookup([BOB, CAROL]).subscribe();
  m.acts("-f", { f: () => first.store.failNext("the disk is full", "update") });
  return { first, second };
}

describe("a change that another tab cannot commit", () => {
  it(
    "outdates its users at once",
    marbles((m) => {
      const { second } = twoTabs(m);
      m.expectObservable(second.known([BOB, CAROL]), "-^-").toBe("-(x|)", result("bob B1 current", "carol C1 current"));
      m.expectObservable(second.known([BOB, CAROL]), "---^").toBe(
        "---(x|)",
        result("bob B1 outdated", "carol C1 current"),
      );
      m.expectObservable(second.lookup([BOB, CAROL]), "----^").toBe(
        "----(x|)",
        result("bob B1 current", "carol C1 current"),
      );
      second.expectQueries("4-4 bob");
    }),
  );

  it(
    "supersedes queries in flight",
    marbles((m) => {
      const { second } = twoTabs(m, { answerAfter: 3 });
      m.expectObservable(second.lookup([BOB, CAROL])).toBe("---(x|)", result("bob B1 superseded", "carol C1 current"));
    }),
  );

  it(
    "is shown by watchers",
    marbles((m) => {
      const { second } = twoTabs(m);
      m.expectObservable(second.watch([BOB, CAROL]), "^-!").toBe("x", result("bob B1 current", "carol C1 current"));
      m.expectObservable(second.watch([BOB]), "^ 500ms !").toBe("x-(yx)", {
        x: ["bob B1 current"],
        y: ["bob B1 superseded"],
      });
    }),
  );

  it(
    "does not keep a new answer from being saved, which is outdated by the commit",
    marbles((m) => {
      const { second } = twoTabs(m);
      m.expectObservable(second.lookup([BOB]), "----^").toBe("----(x|)", result("bob B1 current"));
      m.expectObservable(second.known([BOB]), "-----^").toBe("-----(x|)", result("bob B1 current"));
      m.expectObservable(second.known([BOB]), "1100ms ^").toBe("1100ms (x|)", result("bob B1 outdated"));
      m.expectObservable(second.lookup([BOB]), "1200ms ^").toBe("1200ms (x|)", result("bob B1 current"));
      second.expectQueries("4-4 bob", "1200-1200 bob");
    }),
  );

  it(
    "is everyone if the change may be of any user",
    marbles((m) => {
      const { second } = twoTabs(m, { sync$: m.hot("--x", { x: step("s1", { changed: "?" as never }) }) });
      m.expectObservable(second.known([BOB, CAROL]), "---^").toBe(
        "---(x|)",
        result("bob B1 outdated", "carol C1 outdated"),
      );
    }),
  );

  it(
    "is known to a tab that opens later when it is caught up",
    marbles((m) => {
      const { first } = twoTabs(m);
      const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records });
      const third = otherTab(m, first, { store, connected: false });
      m.acts("-----c", { c: () => third.tracker.connect() });
      const known$ = third.tracker.caughtUp$.pipe(switchMap(() => third.known([BOB, CAROL])));
      m.expectObservable(known$).toBe("-----x", { x: ["bob B1 outdated", "carol C1 current"] });
    }),
  );

  it(
    "is durable when a tab that opens in between is caught up",
    marbles((m) => {
      const { first, second } = twoTabs(m);
      second.tracker.close(); // it would answer instead
      const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records });
      const third = otherTab(m, first, { store, connected: false });
      m.acts("-s-c", {
        s: () => (first.store.takes = 3),
        c: () => {
          first.store.takes = 0;
          third.tracker.connect();
        },
      });
      // The commit fails at 5.
      const known$ = third.tracker.caughtUp$.pipe(switchMap(() => third.known([BOB])));
      m.expectObservable(known$, "^ 50ms !").toBe("-----x", { x: ["bob B1 outdated"] });
    }),
  );

  it(
    "because what is missing before it cannot be read is announced, too",
    marbles((m) => {
      const { first, second } = twoTabs(m);
      m.acts("-d", {
        d: () => {
          first.store.loseAnnouncements();
          second.tracker.track([DAVE]).subscribe(); // the first tab's head is older now
          for (let i = 0; i < 5; i++) first.store.failNext("the disk is gone", "read");
        },
      });
      m.expectObservable(second.known([BOB]), "-----^").toBe("-----(x|)", result("bob B1 outdated"));
    }),
  );

  it(
    "is announced again with what comes while the store fails",
    marbles((m) => {
      const sync$ = m.hot("--x-y", { x: step("s1", { changed: [BOB] }), y: step("s2", { changed: [CAROL] }) });
      const { second } = twoTabs(m, { sync$ });
      m.expectObservable(second.known([CAROL]), "---^").toBe("---(x|)", result("carol C1 current"));
      m.expectObservable(second.known([CAROL]), "-----^").toBe("-----(x|)", result("carol C1 outdated"));
    }),
  );
});
