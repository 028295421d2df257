import { defer, of } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { MAX_REMEMBERED_LEFT, REMEMBERED_STEPS } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { accountIn, answering, type Account, type Tab } from "./account-in.js";

const lists = {
  u: ["carol NOW untracked"],
  n: ["carol NOW current"],
};

/** As many steps as it takes, none of which announces anything. */
const quiet = (...tokens: readonly string[]): readonly SyncResponse[] =>
  tokens.slice(1).map((next, i) => answering(tokens[i] ?? "", next));

/** Two tabs on s1, where Bob and Carol are tracked. The first is given steps in which Carol leaves, and the second, which lags, one in which she changed before. */
function race(
  m: Marbles,
  ahead: readonly SyncResponse[],
  lagging: readonly SyncResponse[],
): Account & { readonly ahead: Tab; readonly lagging: Tab } {
  const account = accountIn(m);
  const first = account.open();
  first.give(answering(null, "s1", { changed: [BOB, CAROL] }));
  const second = account.open();
  second.lookup([]).subscribe(); // loaded, on s1
  account.replace(CAROL, "NOW");
  first.give(...ahead);
  second.give(...lagging);
  return { ...account, ahead: first, lagging: second };
}

const left = answering("s1", "s9", { left: [CAROL] });

describe("who has left in a step newer than where a lagging tab's step begins", () => {
  const ways: readonly (readonly [way: string, ahead: readonly SyncResponse[], lagging: readonly SyncResponse[]])[] = [
    ["in its first step", [left], [answering("s1", "s2", { changed: [CAROL] })]],
    ["in its second one", [left], [...quiet("s1", "s2"), answering("s2", "s3", { changed: [CAROL] })]],
    ["in its third one", [left], [...quiet("s1", "s2", "s3"), answering("s3", "s4", { changed: [CAROL] })]],
    [
      "in its second one, with one of the other line in between",
      [left, ...quiet("s9", "s10")],
      [...quiet("s1", "s2"), answering("s2", "s3", { changed: [CAROL] })],
    ],
    [
      "so far behind that its steps are forgotten",
      [
        answering("s1", "s2"),
        answering("s2", "s9", { left: [CAROL] }),
        ...quiet(...Array.from({ length: REMEMBERED_STEPS + 1 }, (_, i) => `s${i + 9}`)),
      ],
      [answering("s1", "s1a", { changed: [CAROL] })],
    ],
  ];

  it.each(ways)("stays untracked where that names them as changed, %s", (_, ahead, lagging) => {
    marbles((m) => {
      const account = race(m, ahead, lagging);
      const end = ahead.at(-1)?.next_batch ?? "";
      account.ahead.give(answering(end, `${end}a`)); // the tab that lags is closed; nobody will be told again that Carol has left
      m.expectObservable(account.ahead.lookup([CAROL])).toBe("(u|)", lists);
      m.expectObservable(account.lagging.lookup([CAROL])).toBe("(u|)", lists);
      m.expectObservable(defer(() => account.open().lookup([CAROL]))).toBe("(u|)", lists);
      m.afterwards(() => {
        expect(savedIds(account.records, "state")).toEqual([BOB]);
      });
    })();
  });

  it(
    "is tracked again at their next change",
    marbles((m) => {
      const { ahead, lagging, open } = race(m, [left], [answering("s1", "s2", { changed: [CAROL] })]);
      const back = answering("s9", "s10", { changed: [CAROL] });
      ahead.give(back);
      lagging.give(back);
      m.expectObservable(ahead.lookup([CAROL])).toBe("(n|)", lists);
      m.expectObservable(lagging.lookup([CAROL])).toBe("(n|)", lists);
      m.expectObservable(defer(() => open().lookup([CAROL]))).toBe("(n|)", lists);
    }),
  );
});

describe("who has left and comes back", () => {
  it(
    "is tracked again, in the tab that was told first and in the one that lags",
    marbles((m) => {
      const steps = [left, ...quiet("s9", "s10"), answering("s10", "s11", { changed: [CAROL] })];
      const { ahead, lagging, records } = race(m, steps, steps);
      m.expectObservable(ahead.lookup([CAROL])).toBe("(n|)", lists);
      m.expectObservable(lagging.lookup([CAROL])).toBe("(n|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB, CAROL]);
      });
    }),
  );
});

describe("where the server was asked for missing steps", () => {
  const nothing = { changes: () => of({}) };

  it(
    "who has left by a tab that is ahead stays untracked: nobody knows which came first",
    marbles((m) => {
      const account = accountIn(m);
      const ahead = account.open();
      ahead.give(answering(null, "s1", { changed: [BOB, CAROL] }));
      const lagging = account.open({ keysApi: { ...account.homeserver.keysApi, ...nothing } });
      lagging.lookup([]).subscribe(); // loaded, on s1
      account.replace(CAROL, "NOW");
      ahead.give(left);
      lagging.give(answering("x1", "x2", { changed: [CAROL] }));
      ahead.give(answering("s9", "s10"));
      m.expectObservable(ahead.lookup([CAROL])).toBe("(u|)", lists);
      m.afterwards(() => {
        expect(savedIds(account.records, "state")).toEqual([BOB]);
      });
    }),
  );

  it(
    "who had left before and is back is tracked, at once, where there is no other tab",
    marbles((m) => {
      const account = accountIn(m);
      const only = account.open({ keysApi: { ...account.homeserver.keysApi, ...nothing } });
      account.replace(CAROL, "NOW");
      only.give(answering(null, "s1", { changed: [BOB, CAROL] }), left, answering("x1", "x2", { changed: [CAROL] }));
      m.expectObservable(only.lookup([CAROL])).toBe("(n|)", lists);
      m.afterwards(() => {
        expect(savedIds(account.records, "state")).toEqual([BOB, CAROL]);
      });
    }),
  );
});

describe("a tab that is alone, whose application goes on from its own, older token", () => {
  const back = [answering("s1", "s10", { changed: [CAROL] }), answering("s10", "s11", { changed: [CAROL] })];

  it.each([
    ["at once", 1],
    ["at their next change", 2],
  ] as const)("tracks who had left and is back, %s", (_, steps) => {
    marbles((m) => {
      const { open, records, replace } = accountIn(m);
      open().give(answering(null, "s1", { changed: [BOB, CAROL] }), left);
      replace(CAROL, "NOW");
      const next = open();
      next.give(...back.slice(0, steps));
      m.expectObservable(next.lookup([CAROL])).toBe("(n|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB, CAROL]);
      });
    })();
  });
});

describe("two lines of steps, of tabs that sync apart for a while", () => {
  const lines = {
    one: answering("s1", "s5", { left: [CAROL] }),
    other: answering("s1", "s7", { left: [CAROL] }),
    back: answering("s7", "s8", { changed: [CAROL] }),
  };

  it(
    "that both tell that somebody has left: who comes back in one of them is tracked",
    marbles((m) => {
      const { lagging, records } = race(m, [lines.one], [lines.other, lines.back]);
      m.expectObservable(lagging.lookup([CAROL])).toBe("(n|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB, CAROL]);
      });
    }),
  );

  it(
    "of which one tells it once more: who comes back in the other may have left since",
    marbles((m) => {
      const again = [
        lines.one,
        answering("s5", "s8a", { changed: [CAROL] }),
        answering("s8a", "s9", { left: [CAROL] }),
      ];
      const { lagging, records } = race(m, again, [lines.other, lines.back]);
      m.expectObservable(lagging.lookup([CAROL])).toBe("(u|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB]);
      });
    }),
  );
});

describe("who has left by one tab", () => {
  it(
    "is not tracked by one that lags and whose tokens repeat",
    marbles((m) => {
      const { ahead, open, records } = race(
        m,
        [left],
        [answering("s1", "s1", { changed: [BOB] }), answering("s1", "s2", { changed: [CAROL] })],
      );
      ahead.give(answering("s9", "s10"));
      m.expectObservable(ahead.lookup([CAROL])).toBe("(u|)", lists);
      m.expectObservable(defer(() => open().lookup([CAROL]))).toBe("(u|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB]);
      });
    }),
  );

  it(
    "is not tracked by one in which track() was on its way, and which is told of the leaving, too",
    marbles((m) => {
      const { open, records, replace } = accountIn(m);
      const ahead = open();
      ahead.give(answering(null, "s1", { changed: [BOB] }));
      const slow = open();
      slow.lookup([]).subscribe(); // loaded, on s1
      replace(CAROL, "NOW");
      slow.store.takes = 10;
      m.acts("-a", {
        a: () => {
          slow.tracker.track([CAROL]).subscribe();
          for (const tab of [ahead, slow]) tab.give(left);
        },
      });
      m.expectObservable(
        defer(() => open().lookup([CAROL])),
        "60ms ^",
      ).toBe("60ms (u|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB]);
      });
    }),
  );

  it(
    "is not tracked by one that is opened then, and given a step of an older line, on which nobody here ever stood",
    marbles((m) => {
      const { open, replace } = accountIn(m);
      const ahead = open();
      ahead.give(answering(null, "s1", { changed: [BOB, CAROL] }), left);
      const opened = open();
      replace(CAROL, "NOW");
      opened.give(answering("x1", "x2", { changed: [CAROL] }));
      ahead.give(answering("s9", "s10"));
      m.expectObservable(ahead.lookup([CAROL])).toBe("(u|)", lists);
      m.expectObservable(defer(() => open().lookup([CAROL]))).toBe("(u|)", lists);
    }),
  );
});

describe("our own user", () => {
  it(
    "is none of those who have left where they were too many to be remembered: our change, which a lagging tab brings, is not lost",
    marbles((m) => {
      const { open, replace } = accountIn(m);
      const many = crowd(MAX_REMEMBERED_LEFT + 1);
      const ahead = open();
      ahead.give(answering(null, "s1", { changed: many }));
      const lagging = open();
      lagging.lookup([]).subscribe(); // loaded, on s1
      replace(ALICE, "OLD");
      ahead.store.takes = 10;
      m.acts("-a 20ms -b", {
        a: () => ahead.give(answering("s1", "s9", { left: many })),
        b: () => {
          ahead.lookup([ALICE], { forceDownload: true }).subscribe(); // asked for at once
          replace(ALICE, "NEW");
          lagging.give(answering("s1", "s2", { changed: [ALICE] }));
        },
      });
      m.acts("50ms a", { a: () => lagging.lookup([ALICE]).subscribe() }); // may find out that the store has moved on
      m.expectObservable(lagging.lookup([ALICE]), "60ms ^").toBe("60ms (n|)", { n: ["alice NEW current"] });
    }),
  );
});
