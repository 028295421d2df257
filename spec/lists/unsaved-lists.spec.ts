import { describe, expect, it } from "vitest";
import { OWNER } from "../../src/store/records.js";
import { changing } from "../store/steps.js";
import { marbles } from "../support/marbles.js";
import { put } from "../support/saved.js";
import { BOB } from "../support/users.js";
import { saverIn } from "./saver-in.js";
import { bob, phone, swapped, tablet, verified } from "./verified-lists.js";

const bobs = verified(bob, [phone]);

describe("while the store fails", () => {
  it(
    "lists are compared with the pins that can be read, cached, and reported",
    marbles((m) => {
      const { saveLists, store, tracking, problems, updates } = saverIn(m);
      m.expectObservable(saveLists({ [BOB]: bobs })).toBe("(x|)", { x: ["bob PHONE"] });
      m.acts("-f", { f: () => store.failNext("full", "update") });
      m.acts("--s", {
        s: () => {
          const seen: unknown[] = [];
          saveLists({ [BOB]: verified(bob, [swapped, tablet]) }, { forced: true }).subscribe((one) => seen.push(one));
          expect(seen).toEqual([["bob PHONE,TABLET"]]);
        },
      });
      m.afterwards(() => {
        expect(tracking.get(BOB)?.outdated).toBe(false);
        expect(problems).toMatchObject([{ type: "save-failed", userIds: [BOB], error: "full" }]);
        expect(updates).toEqual(["bob added PHONE identity unchanged"]);
      });
    }),
  );

  it(
    "what could not be reported is reported with the next save",
    marbles((m) => {
      const { saveLists, store, updates } = saverIn(m);
      saveLists({ [BOB]: verified(bob, []) }).subscribe();
      store.failNext("full", "update");
      saveLists({ [BOB]: bobs }, { forced: true }).subscribe();
      saveLists({ [BOB]: verified(bob, [phone, tablet]) }, { forced: true }).subscribe();
      expect(updates).toEqual(["bob identity unchanged", "bob added PHONE,TABLET"]);
    }),
  );

  it(
    "a key that may be another one than before is not cached",
    marbles((m) => {
      const { saveLists, store, tracking } = saverIn(m);
      store.failNext("full", "update");
      store.failNext("busy", "read");
      m.expectObservable(saveLists({ [BOB]: bobs })).toBe("(x|)", { x: ["bob PHONE refused"] });
      m.afterwards(() => {
        expect(tracking.get(BOB)?.outdated).toBe(true);
      });
    }),
  );

  it(
    "a user who changed during the save is not cached",
    marbles((m) => {
      const { saveLists, apply, store, tracking } = saverIn(m);
      store.takes = 3;
      store.failNext("full", "update");
      m.acts("-c", { c: () => apply(changing("s0", "s1", BOB)) });
      const seen: unknown[] = [];
      saveLists({ [BOB]: bobs }).subscribe((one) => seen.push(one));
      m.afterwards(() => {
        expect(seen).toEqual([["bob PHONE refused"]]);
        expect(tracking.get(BOB)?.outdated).toBe(true);
      });
    }),
  );
});

describe("a store that was cleared", () => {
  it(
    "has lists returned, but not cached",
    marbles((m) => {
      const { saveLists, store, memory, problems } = saverIn(m);
      put(store.records, [OWNER, "?"]);
      m.expectObservable(saveLists({ [BOB]: bobs })).toBe("(x|)", { x: ["bob PHONE refused"] });
      m.afterwards(() => {
        expect(memory.last(BOB)).toBeUndefined();
        expect(problems).toEqual([]);
      });
    }),
  );
});
