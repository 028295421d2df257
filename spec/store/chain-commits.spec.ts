import { describe, expect, it } from "vitest";
import { logKey, SYNC } from "../../src/store/records.js";
import { marbles } from "../support/marbles.js";
import { saved, savedIds } from "../support/saved.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { chainIn } from "./chain-in.js";
import { storeOfAlice } from "./in-store.js";
import { changing, commits, leaving, step, track } from "./steps.js";

/** The first step of an account. */
const FIRST = step({ next: "s1", changed: [BOB] });
const outcomes = { c: "committed", a: "applied" };

describe("a change", () => {
  it(
    "is in memory at once, and durable after its transaction",
    marbles((m) => {
      const { apply, users, store } = chainIn(m);
      store.takes = 3;
      m.expectObservable(apply(changing("s0", "s1", BOB))).toBe("---(c|)", outcomes);
      expect(users()).toEqual(["alice@0 none", "bob@1 none"]);
      expect(saved(store.records, SYNC)).toBeUndefined();
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ head: 1, token: "s1" });
      });
    }),
  );

  it(
    "is durable within the call if the store emits at once",
    marbles((m) => {
      const { apply, store } = chainIn(m);
      apply(changing("s0", "s1", BOB));
      expect(saved(store.records, SYNC)).toMatchObject({ head: 1 });
    }),
  );

  it(
    "of the application has no token: its outcome is that it is applied",
    marbles((m) => {
      m.expectObservable(chainIn(m).apply(track(BOB))).toBe("(a|)", outcomes);
    }),
  );

  it(
    "waits for the transaction under way, and shares the next with those that wait",
    marbles((m) => {
      const { apply, store } = chainIn(m);
      store.takes = 3;
      m.expectObservable(apply(changing("s0", "s1", BOB))).toBe("---(c|)", outcomes);
      m.expectObservable(apply(track(DAVE), leaving("s1", "s2", BOB))).toBe("------(c|)", outcomes);
      m.afterwards(() => {
        expect(savedIds(store.records, "log")).toEqual(["1", "2"]);
        expect(saved(store.records, logKey(2))).toMatchObject({
          commits: commits(2, track(DAVE), leaving("s1", "s2", BOB)),
        });
      });
    }),
  );

  it(
    "that is applied from inside an outcome is committed after it",
    marbles((m) => {
      const { apply, store } = chainIn(m);
      apply(track(BOB)).subscribe(() => apply(changing("s0", "s1", CAROL)));
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ head: 2, token: "s1" });
      });
    }),
  );
});

describe("settled()", () => {
  it(
    "emits when everything that is pending is durable",
    marbles((m) => {
      const { apply, chain, store } = chainIn(m);
      m.expectObservable(chain.settled()).toBe("(c|)", outcomes);
      store.takes = 3;
      apply(track(BOB));
      apply(track(CAROL));
      m.expectObservable(chain.settled()).toBe("------(c|)", outcomes);
    }),
  );
});

describe("tokenSettled()", () => {
  it(
    "emits when the token in memory is durable, whatever else is pending",
    marbles((m) => {
      const { apply, chain, store } = chainIn(m);
      store.takes = 3;
      apply(changing("s0", "s1", BOB));
      apply(track(CAROL));
      m.expectObservable(chain.tokenSettled()).toBe("---(c|)", outcomes);
    }),
  );
});

describe("commits of another tracker", () => {
  it(
    "are followed as they are announced",
    marbles((m) => {
      const records = storeOfAlice();
      const { users, events } = chainIn(m, records);
      const other = chainIn(m, records, "another tab");
      other.apply(changing("s0", "s1", BOB));
      other.apply(track(CAROL), leaving("s1", "s2", BOB));
      expect(users()).toEqual(["alice@0 none", "carol@2 none"]);
      expect(events).toEqual(["followed 1: bob", "followed 2: carol", "followed 3: -bob"]);
    }),
  );

  it(
    "that come after one whose announcement was lost are read",
    marbles((m) => {
      const records = storeOfAlice();
      const { users, events, store } = chainIn(m, records);
      const other = chainIn(m, records, "another tab");
      store.loseAnnouncements();
      other.apply(changing("s0", "s1", BOB));
      store.wake();
      events.length = 0;
      other.apply(track(CAROL));
      expect(users()).toEqual(["alice@0 none", "bob@1 none", "carol@2 none"]);
      expect(events).toEqual(["followed 2: carol"]);
    }),
  );

  it(
    "that were lost without notice are read with the next one",
    marbles((m) => {
      const records = storeOfAlice();
      const { chain, users, events } = chainIn(m, records);
      chain.hear({
        by: "another tab",
        lifetime: "x",
        news: [{ type: "commits", position: 2, commits: commits(2, track(CAROL)) }],
      });
      expect(events).toEqual(["behind", "caught up with :", "not behind"]);
      expect(users()).toEqual(["alice@0 none"]);
    }),
  );

  it(
    "are read when a frozen page wakes: one record if nothing happened",
    marbles((m) => {
      const records = storeOfAlice();
      const { users, events, store } = chainIn(m, records);
      store.loseAnnouncements();
      chainIn(m, records, "another tab").apply(changing("s0", "s1", BOB), track(CAROL));
      expect(events).toEqual([]);
      store.wake();
      expect(users()).toEqual(["alice@0 none", "bob@1 none", "carol@2 none"]);
      expect(events).toEqual(["behind", "caught up with 1 2: bob carol", "not behind"]);
      const { read } = store.begun;
      store.wake();
      expect(store.begun.read).toBe(read + 1);
    }),
  );

  it(
    "that are announced during a commit of ours show that memory is behind",
    marbles((m) => {
      const records = storeOfAlice();
      const { apply, chain, store, users } = chainIn(m, records);
      store.takes = 5;
      apply(track(BOB));
      m.acts("--ac--d", {
        a: () => chainIn(m, records, "another tab").apply(changing("s0", "s1", CAROL)),
        c: () => expect(chain.isBehind).toBe(true),
        d: () => expect(chain.isBehind).toBe(true),
      });
      m.afterwards(() => {
        expect(chain.isBehind).toBe(false);
        expect(users()).toEqual(["alice@0 none", "carol@1 none", "bob@2 none"]);
      });
    }),
  );

  it(
    "of another life of the store are ignored",
    marbles((m) => {
      const { chain, events } = chainIn(m);
      chain.hear({
        by: "another tab",
        lifetime: "y",
        news: [{ type: "commits", position: 1, commits: commits(1, track(BOB)) }],
      });
      chain.hear("?");
      expect(events).toEqual([]);
    }),
  );
});

describe("a commit that finds the head moved", () => {
  it(
    "writes nothing, and is rebased on what another tracker committed",
    marbles((m) => {
      const records = storeOfAlice();
      const { apply, users, events, store } = chainIn(m, records);
      store.takes = 5;
      m.expectObservable(apply(FIRST)).toBe("--------------------(c|)", outcomes);
      m.acts("-o", {
        o: () => {
          store.loseAnnouncements();
          chainIn(m, records, "another tab").apply(track(CAROL));
        },
      });
      m.afterwards(() => {
        expect(users()).toEqual(["alice@0 none", "carol@1 none", "bob@2 none"]);
        expect(events).toEqual(["behind", "caught up with 1: bob carol", "not behind"]);
        expect(saved(records, SYNC)).toMatchObject({ head: 2, token: "s1" });
      });
    }),
  );

  it(
    "is done if another tracker committed the same step",
    marbles((m) => {
      const records = storeOfAlice();
      const { apply, store } = chainIn(m, records);
      store.takes = 5;
      m.expectObservable(apply(FIRST)).toBe("---------------(c|)", outcomes);
      m.acts("-o", { o: () => chainIn(m, records, "another tab").apply(FIRST) });
      m.afterwards(() => {
        expect(saved(records, SYNC)).toMatchObject({ head: 1, token: "s1" });
      });
    }),
  );

  it(
    "is done if its own transaction took effect and its answer was lost",
    marbles((m) => {
      const { apply, store } = chainIn(m);
      store.failNext("lost", "update");
      m.expectObservable(apply(FIRST)).toBe("1s (c|)", outcomes);
      m.acts("-h", {
        h: () => {
          chainIn(m, store.records, "tab").apply(FIRST);
        },
      });
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ head: 1, token: "s1" });
      });
    }),
  );
});
