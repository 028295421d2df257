import { describe, expect, it } from "vitest";
import { StoreClearedError } from "../../src/model/errors.js";
import { OWNER, SYNC } from "../../src/store/records.js";
import { marbles } from "../support/marbles.js";
import { put, saved, savedIds } from "../support/saved.js";
import { BOB, CAROL } from "../support/users.js";
import { chainIn } from "./chain-in.js";
import { OWNED_BY_ALICE, storeOfAlice } from "./in-store.js";
import { track } from "./steps.js";

describe("a store that was cleared", () => {
  const cleared = new StoreClearedError();

  it.each<[string, (records: ReturnType<typeof storeOfAlice>) => void]>([
    ["", (records) => records.clear().subscribe()],
    ["and is used again", (records) => put(records, [OWNER, { ...OWNED_BY_ALICE, lifetime: "y" }])],
  ])("%s is not written, and everything fails from then on", (_, happen) => {
    marbles((m) => {
      const { apply, chain, save, store, events } = chainIn(m);
      happen(store.records);
      m.expectObservable(apply(track(BOB))).toBe("#", undefined, cleared);
      m.expectObservable(save("a")).toBe("#", undefined, cleared);
      m.expectObservable(chain.reload()).toBe("#", undefined, cleared);
      m.afterwards(() => {
        expect([savedIds(store.records, "log"), savedIds(store.records, "index")]).toEqual([[], []]);
        expect(events).toEqual(["cleared"]);
      });
    })();
  });

  it(
    "ends the wait of a failed commit at its next try",
    marbles((m) => {
      const { apply, store, scheduler } = chainIn(m);
      store.failNext("full", "update");
      m.acts("-c", { c: () => store.records.clear().subscribe() });
      m.expectObservable(apply(track(BOB))).toBe("1s #", undefined, cleared);
      m.afterwards(() => {
        expect(scheduler.pending).toBe(0);
      });
    }),
  );

  it(
    "is found by the owner's record that a read brings",
    marbles((m) => {
      const { chain, save, events } = chainIn(m);
      expect(chain.isOurs(OWNED_BY_ALICE)).toBe(true);
      expect(chain.isOurs({ ...OWNED_BY_ALICE, lifetime: "y" })).toBe(false);
      expect(events).toEqual(["cleared"]);
      m.expectObservable(save("a")).toBe("#", undefined, cleared);
    }),
  );
});

describe("close()", () => {
  const closed = new Error("closed");

  it(
    "gives pending commits one last try, and fails what waits",
    marbles((m) => {
      const { apply, chain, save, store } = chainIn(m);
      store.takes = 3;
      apply(track(BOB)).subscribe({ error: () => {} });
      m.expectObservable(apply(track(CAROL))).toBe("-#", undefined, closed);
      m.expectObservable(save("a")).toBe("-#", undefined, closed);
      m.acts("-c", { c: () => chain.close(closed) });
      m.afterwards(() => {
        expect(saved(store.records, SYNC)).toMatchObject({ head: 2 });
        expect(savedIds(store.records, "index")).toEqual([]);
      });
    }),
  );

  it(
    "tries at once if a failed commit was waiting, and not again",
    marbles((m) => {
      const { apply, chain, store, scheduler } = chainIn(m);
      store.failNext("full", "update");
      apply(track(BOB)).subscribe({ error: () => {} });
      store.failNext("full", "update");
      chain.close(closed);
      expect(scheduler.pending).toBe(0);
      expect(store.begun.update).toBe(3); // two tries, and the announcement that the first one failed
    }),
  );

  it(
    "aborts a read",
    marbles((m) => {
      const { chain, store } = chainIn(m);
      store.takes = 100;
      m.expectObservable(chain.reload()).toBe("-#", undefined, closed);
      m.acts("-c", { c: () => chain.close(closed) });
      m.afterwards(() => {
        expect(m.scheduler.now()).toBeLessThan(100);
      });
    }),
  );

  it(
    "follows nothing any more",
    marbles((m) => {
      const records = storeOfAlice();
      const { chain, events } = chainIn(m, records);
      chain.close(closed);
      chainIn(m, records, "another tab").apply(track(BOB));
      chain.hear(undefined);
      expect(events).toEqual([]);
    }),
  );
});
