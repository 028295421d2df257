import { defer } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import { BOB, CAROL } from "../support/users.js";
import { accountIn, answering } from "./account-in.js";

const lists = { u: ["carol NOW untracked"] };
const left = answering("s1", "s9", { left: [CAROL] });

describe("a tab that has been alone until now", () => {
  it(
    "is so no more once it is given an idle poll and another tab has committed a step",
    marbles((m) => {
      const { open, records, replace } = accountIn(m);
      const ahead = open();
      ahead.give(answering(null, "s1", { changed: [BOB, CAROL] }));
      const lagging = open();
      lagging.lookup([]).subscribe(); // loaded, on s1
      replace(CAROL, "NOW");
      ahead.give(left);
      lagging.give(answering("s1", "s1"), answering("s1", "s2", { changed: [CAROL] }));
      ahead.give(answering("s9", "s10"));
      m.expectObservable(ahead.lookup([CAROL])).toBe("(u|)", lists);
      m.expectObservable(defer(() => open().lookup([CAROL]))).toBe("(u|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB]);
      });
    }),
  );

  it(
    "is so no more in the transaction that finds it out",
    marbles((m) => {
      const { open, records, replace } = accountIn(m);
      const ahead = open();
      ahead.give(answering(null, "s1", { changed: [BOB, CAROL] }));
      const lagging = open();
      lagging.lookup([]).subscribe(); // loaded, on s1
      replace(CAROL, "NOW");
      lagging.store.takes = 1;
      // The first goes alone; the others, one of which is an idle poll, together.
      m.acts("a", {
        a: () => {
          lagging.give(answering("s1", "s1"), answering("s1", "s1"), answering("s1", "s2", { changed: [CAROL] }));
          ahead.give(left);
        },
      });
      m.expectObservable(
        defer(() => open().lookup([CAROL])),
        "2s ^",
      ).toBe("2s (u|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB]);
      });
    }),
  );

  it(
    "is so no more where another tab commits while its own transaction, which failed, waits for its next try",
    marbles((m) => {
      const { open, records, replace } = accountIn(m);
      const ahead = open();
      ahead.give(answering(null, "s1", { changed: [BOB, CAROL] }));
      const lagging = open();
      lagging.lookup([]).subscribe(); // loaded, on s1
      replace(CAROL, "NOW");
      // The transaction runs, and then fails.
      const update: typeof records.update = (keys, change) => records.update(keys, change);
      lagging.store.update = (keys, change) => {
        lagging.store.update = update;
        return update(keys, (saved) => {
          change(saved);
          throw new Error("the disk is full");
        });
      };
      lagging.give(answering("s1", "s2", { changed: [CAROL] }));
      ahead.give(left);
      m.expectObservable(
        defer(() => open().lookup([CAROL])),
        "2s ^",
      ).toBe("2s (u|)", lists);
      m.afterwards(() => {
        expect(savedIds(records, "state")).toEqual([BOB]);
      });
    }),
  );
});
