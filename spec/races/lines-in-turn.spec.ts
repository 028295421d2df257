import { defer } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { CAROL } from "../support/users.js";
import { accountIn, answering, type Account, type Tab } from "./account-in.js";

const lists = {
  o: ["carol OLD superseded"],
  n: ["carol NEW current"],
};

interface Turn {
  readonly turn: string;
  /** Given to the tab that asks, and at once to a third. */
  readonly before: readonly SyncResponse[];
  /** Given, one after the other, to the tab that is ahead; Carol has changed again. */
  readonly ahead: readonly SyncResponse[];
  /** Then to the third tab. */
  readonly third: readonly SyncResponse[];
}

const asked = answering("s1", "s2", { changed: [CAROL] });
const changedAgain = answering("s1", "s3", { changed: [CAROL] });

/*
 *   asking   ─a─────────────(commit)   a: s1 to s2, in which Carol changed; she is asked for at once, and the answer is OLD
 *   ahead    ───b                      b: s1 to s3, in which she changed again, committed at once; then what has the store look as if a's commit followed what it knew
 *
 * Whatever the tokens say: b came in between, and the answer is older than b.
 */
describe("a list that was asked for at a step, before changes that are committed first and are not of its line", () => {
  const turns: readonly Turn[] = [
    {
      turn: "and then the step itself, by a tab for which it closes a gap",
      before: [],
      ahead: [changedAgain],
      third: [changedAgain, asked],
    },
    {
      turn: "and then a late step that leads the token back to where the step begins",
      before: [answering("s0", "r"), answering("r", "s1")],
      ahead: [changedAgain, answering("s0", "s1")],
      third: [],
    },
    {
      turn: "in a response that cannot be understood, and leads nowhere",
      before: [answering("s0", "s1", { changed: [CAROL] })],
      ahead: [{} as SyncResponse],
      third: [],
    },
  ];

  describe.each(turns)("$turn", (turn) => {
    function race(m: Marbles): Account & { readonly asking: Tab; readonly ahead: Tab } {
      const account = accountIn(m);
      const { open, replace } = account;
      const asking = open();
      asking.give(answering(null, turn.before.length === 0 ? "s1" : "s0"), ...turn.before);
      const [ahead, third] = [open(), open()];
      for (const { lookup } of [ahead, third]) lookup([]).subscribe(); // loaded, on s1
      replace(CAROL, "OLD");
      asking.store.takes = 10;
      m.acts("-a-bc", {
        a: () => {
          asking.give(asked);
          asking.lookup([CAROL]).subscribe();
        },
        b: () => {
          replace(CAROL, "NEW");
          ahead.give(...turn.ahead);
        },
        c: () => third.give(...turn.third),
      });
      return { ...account, asking, ahead };
    }

    it(
      "is superseded for who waits, and not in the store",
      marbles((m) => {
        const { asking, records } = race(m);
        m.expectObservable(asking.lookup([CAROL]), "-^").toBe("21ms (o|)", lists);
        m.afterwards(() => {
          expect(savedIds(records, "list")).toEqual([]);
        });
      }),
    );

    it(
      "is not current for the tab that was given the change",
      marbles((m) => {
        const { ahead } = race(m);
        m.acts("50ms a", { a: () => ahead.lookup([CAROL]).subscribe() }); // finds out that the store has moved on
        m.expectObservable(ahead.lookup([CAROL]), "60ms ^").toBe("60ms (n|)", lists);
      }),
    );

    it(
      "is not current after a restart",
      marbles((m) => {
        const { open } = race(m);
        m.expectObservable(
          defer(() => open().lookup([CAROL])),
          "60ms ^",
        ).toBe("60ms (n|)", lists);
      }),
    );
  });
});

describe("a list that was asked for at a step which is not committed yet", () => {
  /** Carol's new list is asked for by one tab, once, and saved, and another finds it. */
  function isSaved(
    m: Marbles,
    given: { readonly asking: readonly SyncResponse[]; readonly other: readonly SyncResponse[] },
  ): void {
    const { homeserver, open, records, replace } = accountIn(m);
    const asking = open();
    asking.give(answering(null, "s1"));
    const other = open();
    other.lookup([]).subscribe(); // loaded, on s1
    replace(CAROL, "NEW");
    asking.store.takes = 10;
    m.acts("-ab", {
      a: () => other.give(...given.other),
      b: () => {
        asking.give(...given.asking);
        asking.lookup([CAROL]).subscribe();
      },
    });
    m.expectObservable(other.lookup([CAROL]), "60ms ^").toBe("60ms (n|)", lists);
    m.afterwards(() => {
      expect(homeserver.queries).toHaveLength(1);
      expect(savedIds(records, "list")).toEqual([CAROL]);
    });
  }

  const steps = [answering("s1", "s2"), answering("s2", "s3", { changed: [CAROL] })];

  it(
    "is saved where another tab commits all steps in its turn: nothing came in between that is not of its line",
    marbles((m) => {
      isSaved(m, { asking: steps, other: steps });
    }),
  );

  it(
    "is saved where the tab has learned of what came in between by closing a gap",
    marbles((m) => {
      isSaved(m, { asking: [answering("s3", "s4", { changed: [CAROL] })], other: steps });
    }),
  );
});
