import { defer, EMPTY } from "rxjs";
import { describe, it } from "vitest";
import { SYNC } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { put } from "../support/saved.js";
import { CAROL } from "../support/users.js";
import { accountIn, answering, type Account, type Tab } from "./account-in.js";

const lists = { n: ["carol NEW current"] };

/*
 *   asking   ─a────────(commit)   a: s10 to s11, in which Carol changed; she is asked for at once, and the answer is OLD
 *   opened   ───b                 b: the counter is damaged; a tab that is opened mends it, and is given s10 to s12, in which she changed again
 */
describe("a list that was asked for before the counter was mended by a tab which cannot know how far it had come", () => {
  function race(m: Marbles): Account & { readonly lookup: Tab["lookup"] } {
    const account = accountIn(m);
    const { open, records, replace } = account;
    const asking = open();
    asking.give(
      answering(null, "s1", { changed: [CAROL] }),
      ...Array.from({ length: 9 }, (_, i) => answering(`s${i + 1}`, `s${i + 2}`)),
    ); // each takes a revision, and no state says so
    replace(CAROL, "OLD");
    asking.store.takes = 10;
    let opened: Tab | undefined;
    m.acts("-a-b", {
      a: () => {
        asking.give(answering("s10", "s11", { changed: [CAROL] }));
        asking.lookup([CAROL]).subscribe();
      },
      b: () => {
        replace(CAROL, "NEW");
        put(records, [SYNC, "damaged"]);
        opened = open();
        opened.give(answering("s10", "s12", { changed: [CAROL] }));
      },
    });
    return { ...account, lookup: (users) => defer(() => opened?.lookup(users) ?? EMPTY) };
  }

  it(
    "is not current for the tab that was given the change",
    marbles((m) => {
      const { lookup } = race(m);
      m.acts("50ms a", { a: () => lookup([CAROL]).subscribe() }); // finds out that the store has moved on
      m.expectObservable(lookup([CAROL]), "60ms ^").toBe("60ms (n|)", lists);
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
