import { switchMap, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { News } from "../../src/store/announcement.js";
import { SYNC } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved, savedIds } from "../support/saved.js";
import { BOB, CAROL, DAVE } from "../support/users.js";
import { chainIn } from "./chain-in.js";
import { storeOfAlice } from "./in-store.js";
import { changing, step, track } from "./steps.js";

const outcomes = { c: "committed", a: "applied" };

describe("a commit that fails", () => {
  it(
    "is tried again after 1 s, doubling to 60 s, and reported each time",
    marbles((m) => {
      const { apply, store, events } = chainIn(m);
      for (let i = 0; i < 16; i++) store.failNext("full", "update"); // each announcement that it failed, too
      m.expectObservable(apply(track(BOB))).toBe("183s (a|)", outcomes);
      m.afterwards(() => {
        const waits = [1, 2, 4, 8, 16, 32, 60, 60];
        expect(events).toEqual(waits.map((s) => `commit failed (full), again in ${s * 1_000}`));
      });
    }),
  );

  it(
    "is passed by no later one: they are committed together",
    marbles((m) => {
      const { apply, store } = chainIn(m);
      store.failNext("full", "update");
      m.expectObservable(apply(changing("s0", "s1", BOB))).toBe("1s (c|)", outcomes);
      m.acts("-b", { b: () => apply(changing("s1", "s2", CAROL)) });
      m.acts("500ms c", { c: () => expect(saved(store.records, SYNC)).toBeUndefined() });
      m.afterwards(() => {
        expect(savedIds(store.records, "log")).toEqual(["1"]);
        expect(saved(store.records, SYNC)).toMatchObject({ head: 2, token: "s2" });
      });
    }),
  );

  it(
    "has the steps that follow joined until the next try, and all are durable with it",
    marbles((m) => {
      const { apply, chain, store } = chainIn(m);
      store.failNext("full", "update");
      apply(changing("s0", "s1", BOB));
      m.acts("-abc", {
        a: () => m.expectObservable(apply(changing("s1", "s2", CAROL))).toBe("1s (c|)", outcomes),
        b: () => m.expectObservable(apply(changing("s2", "s3", BOB))).toBe("1s (c|)", outcomes),
        c: () => expect(chain.clone.pending).toHaveLength(2),
      });
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ head: 2, token: "s3" });
      });
    }),
  );

  it(
    "has the steps that follow joined if what is missing cannot be read",
    marbles((m) => {
      const records = storeOfAlice();
      const { apply, chain, store } = chainIn(m, records);
      const other = chainIn(m, records, "another tab");
      store.loseAnnouncements();
      other.apply(track(BOB));
      store.failNext("gone", "read");
      apply(step({ next: "s1", changed: [BOB] })); // the head has moved
      expect(chain.failing).toBe(true);
      apply(changing("s1", "s2", CAROL), changing("s2", "s3", DAVE));
      expect(chain.clone.pending).toHaveLength(2);
      expect(other.users()).toEqual(["alice@0 none", "bob@1 none"]);
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ token: "s3" });
      });
    }),
  );

  it(
    "keeps one timer, and none once it has succeeded",
    marbles((m) => {
      const { apply, store, scheduler } = chainIn(m);
      store.failNext("full", "update");
      apply(track(BOB), track(CAROL));
      expect(scheduler.pending).toBe(1);
      m.afterwards(() => {
        expect(scheduler.pending).toBe(0);
      });
    }),
  );

  it(
    "has other trackers doubt the lists of its users, and those of later changes",
    marbles((m) => {
      const records = storeOfAlice();
      const { apply, store } = chainIn(m, records);
      const other = chainIn(m, records, "another tab");
      apply(track(BOB, CAROL));
      other.chain.hear({ by: "tab", lifetime: "x", news: [savedNews([BOB, 1], [CAROL, 1])] });
      other.events.length = 0;
      store.failNext("full", "update");
      apply(changing("s0", "s1", BOB));
      expect(other.users()).toEqual(["alice@0 none", "bob@1 outdated", "carol@1 current"]);
      apply(changing("s1", "s2", CAROL));
      expect(other.users()).toEqual(["alice@0 none", "bob@1 outdated", "carol@1 outdated"]);
      expect(other.events.filter((event) => event.startsWith("moved"))).toEqual(["moved: bob", "moved: carol"]);
    }),
  );

  it(
    "has other trackers doubt all lists if it may hide changes of anyone",
    marbles((m) => {
      const records = storeOfAlice();
      const { apply, store } = chainIn(m, records);
      const other = chainIn(m, records, "another tab");
      apply(track(BOB));
      other.chain.hear({ by: "tab", lifetime: "x", news: [savedNews([BOB, 1])] });
      store.failNext("full", "update");
      apply(step({ everyone: "outdated" }));
      expect(other.users()).toEqual(["alice@0 none", "bob@1 outdated"]);
    }),
  );
});

describe("saves", () => {
  it(
    "that wait behind a failing commit fail with it, and so do those that come later",
    marbles((m) => {
      const { apply, save, store, chain } = chainIn(m);
      store.takes = 2;
      store.failNext("full", "update");
      apply(track(BOB));
      m.expectObservable(save("a")).toBe("--#", undefined, "full");
      m.expectObservable(deferred(m, "--- 500ms ", () => save("b"))).toBe("--- 500ms #", undefined, "full");
      m.acts("2s f", { f: () => expect(chain.failing).toBe(false) });
      m.afterwards(() => {
        expect(savedIds(store.records, "index")).toEqual([]);
      });
    }),
  );

  it(
    "come after the commits of changes that were applied before them",
    marbles((m) => {
      const { apply, save, store } = chainIn(m);
      store.takes = 3;
      m.expectObservable(save("a")).toBe("---(a|)");
      m.expectObservable(apply(track(BOB))).toBe("------(c|)", { c: "applied" });
      m.expectObservable(save("b")).toBe("---------(b|)");
    }),
  );

  it(
    "that wait together share a transaction",
    marbles((m) => {
      const { save, store } = chainIn(m);
      store.takes = 3;
      m.expectObservable(save("a")).toBe("---(a|)");
      m.expectObservable(save("b")).toBe("------(b|)");
      m.expectObservable(save("c")).toBe("------(c|)");
      m.afterwards(() => {
        expect(store.begun.update).toBe(2);
      });
    }),
  );

  it(
    "fail with the transaction that they share, and are not tried again",
    marbles((m) => {
      const { apply, save, store, events } = chainIn(m);
      store.takes = 2;
      m.expectObservable(save("a")).toBe("--(a|)");
      store.failNext("full", "update");
      m.expectObservable(save("b")).toBe("----#", undefined, "full");
      m.expectObservable(save("c")).toBe("----#", undefined, "full");
      m.acts("---t", { t: () => apply(track(BOB)) });
      m.afterwards(() => {
        expect(events).toEqual([]);
        expect(saved(store.records, SYNC)).toMatchObject({ head: 1 });
      });
    }),
  );
});

const savedNews = (...lists: Extract<News, { type: "saved" }>["lists"]): News => ({
  type: "saved",
  lists,
  updates: [],
});

function deferred<T>(m: Marbles, wait: string, source: () => Observable<T>): Observable<T> {
  return m.cold(`${wait}(x|)`, { x: undefined }).pipe(switchMap(source));
}
