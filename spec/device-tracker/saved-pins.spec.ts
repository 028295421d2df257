import { describe, expect, it } from "vitest";
import type { ListRecord } from "../../src/lists/list-record.js";
import { listKey } from "../../src/store/records.js";
import { marbles } from "../support/marbles.js";
import { put, saved } from "../support/saved.js";
import { edName, identityOf, keyOf, listOf, signed, together } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { BOB } from "../support/users.js";
import { changed } from "../support/wire.js";

const HONEST = listOf(BOB, signed(BOB, "B1"));
const SWAPPED = listOf(BOB, signed(BOB, "B1", { key: "evil", curve: "evilcurve" }));
const NONE = listOf(BOB);
const honest = (freshness = "current") => ({ b: [`bob B1:s none ${freshness}`] });
const none = (freshness = "current") => ({ b: [`bob none ${freshness}`] });
const kept = { b: ["bob B1:s !B1:key-changed none current"] };
const refused = (freshness = "current") => ({ b: [`bob !B1:key-changed none ${freshness}`] });

describe("pinned keys", () => {
  it(
    "outlive a restart: the saved device is kept",
    marbles((m) => {
      const first = trusting(m);
      first.publish("ab", { a: HONEST, b: SWAPPED });
      m.expectObservable(first.fetch(BOB), "^-").toBe("(b|)", honest());
      m.expectObservable(trustingAgain(m, first).fetch(BOB), "-^").toBe("-(b|)", kept);
    }),
  );

  it(
    "outlive a restart for deleted devices of untracked users as well",
    marbles((m) => {
      const first = trusting(m, { tracked: [] });
      first.publish("abc", { a: HONEST, b: NONE, c: SWAPPED });
      m.expectObservable(first.fetch(BOB), "^--").toBe("(b|)", honest("untracked"));
      m.expectObservable(first.fetch(BOB), "-^-").toBe("-(b|)", none("untracked"));
      m.expectObservable(trustingAgain(m, first).fetch(BOB), "--^").toBe("--(b|)", refused("untracked"));
    }),
  );

  it(
    "are those of all tabs",
    marbles((m) => {
      const first = trusting(m);
      const second = trustingAgain(m, first);
      first.publish("abcd", { a: NONE, b: HONEST, c: NONE, d: SWAPPED });
      m.expectObservable(second.fetch(BOB), "^---").toBe("(b|)", none());
      m.expectObservable(first.fetch(BOB), " -^--").toBe("-(b|)", honest());
      m.expectObservable(first.fetch(BOB), " --^-").toBe("--(b|)", none());
      m.expectObservable(second.fetch(BOB), "---^").toBe("---(b|)", refused());
    }),
  );
});

describe("while the store fails, pinned keys", () => {
  it(
    "are held in memory, and by the store once it works again",
    marbles((m) => {
      const { publish, fetch, store, problems$ } = trusting(m);
      publish("abcde", { a: HONEST, b: SWAPPED, c: NONE, d: SWAPPED, e: SWAPPED });
      for (let i = 0; i < 4; i++) store.failNext("the disk is full", "update");
      m.expectObservable(fetch(BOB), "^----").toBe("(b|)", honest());
      m.expectObservable(fetch(BOB), "-^---").toBe("-(b|)", kept);
      m.expectObservable(fetch(BOB), "--^--").toBe("--(b|)", none());
      m.expectObservable(fetch(BOB), "---^-").toBe("---(b|)", refused());
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", refused());
      m.expectObservable(problems$).toBe("pppp", { p: "save-failed" });
      m.afterwards(() => {
        const { pins } = saved(store.records, listKey(BOB)) as ListRecord;
        expect(pins.devices).toEqual(new Map([["B1", keyOf(edName(BOB, "B1"))]]));
      });
    }),
  );

  it(
    "of untracked users are saved with their next answer",
    marbles((m) => {
      const first = trusting(m, { tracked: [] });
      first.publish("abc", { a: HONEST, b: SWAPPED, c: SWAPPED });
      first.store.failNext("the disk is full", "update");
      m.expectObservable(first.fetch(BOB), "^--").toBe("(b|)", honest("untracked"));
      m.expectObservable(first.fetch(BOB), "-^-").toBe("-(b|)", refused("untracked"));
      m.expectObservable(trustingAgain(m, first).fetch(BOB), "--^").toBe("--(b|)", refused("untracked"));
    }),
  );

  it(
    "that were saved before count more than those in memory",
    marbles((m) => {
      const first = trusting(m);
      first.publish("abc", { a: HONEST, b: NONE, c: SWAPPED });
      m.expectObservable(first.fetch(BOB), "^---").toBe("(b|)", honest());
      m.expectObservable(first.fetch(BOB), "-^--").toBe("-(b|)", none());
      // Memory knows nothing of a device that was deleted before, but the store can still be read.
      const { fetch, store } = trustingAgain(m, first);
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      m.expectObservable(fetch(BOB), "--^-").toBe("--(b|)", refused());
      m.expectObservable(fetch(BOB), "---^").toBe("---(b|)", refused());
    }),
  );

  it(
    "of an answer are not lost though another save waited behind it",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: changed(BOB) });
      const { publish, fetch, store } = trusting(m, { sync$, answerAfter: 2 });
      publish("a-b 14ms c", { a: HONEST, b: NONE, c: SWAPPED });
      m.acts("--t 14ms w", {
        t: () => {
          store.takes = 4;
          store.failNext("the disk is full", "update");
        },
        w: () => (store.takes = 0),
      });
      // Its save fails at 6; the store is read until 10 for what it has pinned. The other one is saved until 14.
      m.expectObservable(fetch(BOB), "^--").toBe("----------(b|)", honest("superseded"));
      m.expectObservable(fetch(BOB), "--^").toBe("--------------(b|)", none());
      m.expectObservable(fetch(BOB), "18ms ^").toBe("20ms (b|)", refused());
    }),
  );
});

describe("damaged pins", () => {
  it(
    "are reported, and the keys of the saved list stand in for them",
    marbles((m) => {
      const { publish, fetch, store, problems } = trusting(m);
      const other = together(SWAPPED, identityOf(BOB, "other"));
      publish("a-b", { a: together(HONEST, identityOf(BOB, "first")), b: other });
      m.expectObservable(fetch(BOB)).toBe("(b|)", { b: ["bob B1:s unchanged current"] });
      m.acts("-d", {
        d: () => {
          put(store.records, [listKey(BOB), { ...(saved(store.records, listKey(BOB)) as ListRecord), pins: "?" }]);
        },
      });
      const expected = { b: ["bob B1:s !B1:key-changed changed current"] };
      m.expectObservable(fetch(BOB), "--^-").toBe("--(b|)", expected);
      m.expectObservable(fetch(BOB), "---^").toBe("---(b|)", expected);
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "records-damaged", kind: "pins", ids: [BOB] }]);
        expect(saved(store.records, listKey(BOB))).toMatchObject({
          pins: { devices: new Map([["B1", keyOf(edName(BOB, "B1"))]]), masterKey: keyOf("firstM") },
        });
      });
    }),
  );

  it(
    "are made anew if the whole record is damaged, and the identity is unknown",
    marbles((m) => {
      const first = trusting(m);
      first.publish("a-bc", { a: HONEST, b: SWAPPED, c: HONEST });
      m.expectObservable(first.fetch(BOB)).toBe("(b|)", honest());
      m.acts("-d", { d: () => put(first.store.records, [listKey(BOB), 7]) });
      const { fetch } = trustingAgain(m, first);
      m.expectObservable(fetch(BOB), "--^-").toBe("--(b|)", { b: ["bob B1(evil):s unknown current"] });
      m.expectObservable(fetch(BOB), "---^").toBe("---(b|)", { b: ["bob B1(evil):s !B1:key-changed unknown current"] });
    }),
  );

  it(
    "leave the identity unknown until it is acknowledged",
    marbles((m) => {
      const first = trusting(m);
      const account = together(HONEST, identityOf(BOB, "first"));
      first.publish("a", { a: account });
      m.expectObservable(first.fetch(BOB)).toBe("(b|)", { b: ["bob B1:s unchanged current"] });
      m.acts("-d", {
        d: () => {
          const record = saved(first.store.records, listKey(BOB)) as ListRecord;
          put(first.store.records, [listKey(BOB), { ...record, pins: "?" }]);
        },
      });
      const { fetch, get, tracker } = trustingAgain(m, first);
      m.expectObservable(fetch(BOB), "--^--").toBe("--(b|)", { b: ["bob B1:s unknown current"] });
      m.expectObservable(fetch(BOB), "---^-").toBe("---(b|)", { b: ["bob B1:s unknown current"] });
      m.expectObservable(tracker.acknowledgeIdentity(BOB, keyOf("firstM")), "----^").toBe("----|");
      m.expectObservable(get(BOB), "-----^").toBe("-----(b|)", { b: ["bob B1:s unchanged current"] });
      m.expectObservable(fetch(BOB), "------^").toBe("------(b|)", { b: ["bob B1:s unchanged current"] });
    }),
  );
});
