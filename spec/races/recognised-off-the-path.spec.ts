import { defer } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { CAROL } from "../support/users.js";
import { accountIn, answering, type Account, type Tab } from "./account-in.js";

const lists = {
  o: ["carol OLD superseded"],
  n: ["carol NEW current"],
};

/*
 *   asking     ─a────────────(recognises)   a: s1 to s2, in which Carol changed; she is asked for at once, and the answer is OLD
 *   ahead      ──b                          b: s1 to s3, in which she changed again, committed at once
 *   lagging    ───a                         the step of the first tab, committed after b: off the path
 *
 * The first tab finds its step committed already. Its number there is greater than b's, but the answer is older.
 */
describe("a list that was asked for at a step which another tab commits, after steps of a third", () => {
  function race(m: Marbles): Account & { readonly asking: Tab; readonly ahead: Tab; readonly lagging: Tab } {
    const account = accountIn(m);
    const { open, replace } = account;
    const asking = open();
    asking.give(answering(null, "s1"));
    const [ahead, lagging] = [open(), open()];
    for (const { lookup } of [ahead, lagging]) lookup([]).subscribe(); // loaded, on s1
    replace(CAROL, "OLD");
    asking.store.takes = 10;
    const step = answering("s1", "s2", { changed: [CAROL] });
    m.acts("-abc", {
      a: () => {
        asking.give(step);
        asking.lookup([CAROL]).subscribe();
      },
      b: () => {
        replace(CAROL, "NEW");
        ahead.give(answering("s1", "s3", { changed: [CAROL] }));
      },
      c: () => lagging.give(step),
    });
    m.acts("40ms a", { a: () => (asking.store.takes = 0) });
    return { ...account, asking, ahead, lagging };
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
    "is current for no tab",
    marbles((m) => {
      const { asking, ahead, lagging } = race(m);
      m.acts("50ms a", { a: () => ahead.lookup([CAROL]).subscribe() }); // finds out that the store has moved on
      m.expectObservable(ahead.lookup([CAROL]), "60ms ^").toBe("60ms (n|)", lists);
      m.expectObservable(lagging.lookup([CAROL]), "60ms ^").toBe("60ms (n|)", lists);
      m.expectObservable(asking.lookup([CAROL]), "60ms ^").toBe("60ms (n|)", lists);
    }),
  );

  it(
    "is not current after a restart, the tab that is ahead having gone on",
    marbles((m) => {
      const { ahead, open } = race(m);
      m.acts("50ms a", { a: () => ahead.give(answering("s3", "s4")) });
      m.expectObservable(
        defer(() => open().lookup([CAROL])),
        "60ms ^",
      ).toBe("60ms (n|)", lists);
    }),
  );
});
