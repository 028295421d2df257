import { describe, expect, it } from "vitest";
import { listKey } from "../../src/store/records.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved, savedIds } from "../support/saved.js";
import type { SetUp } from "../support/set-up.js";
import { listOf, signed, signature, together } from "../support/signed.js";
import { FORGED, trusting } from "../support/trusting.js";
import { BOB, CAROL } from "../support/users.js";
import { changed, left } from "../support/wire.js";

const B1 = listOf(BOB, signed(BOB, "B1"));
const B2 = listOf(BOB, signed(BOB, "B2"));
const current = { b: ["bob B1:s none current"] };

/** Queries take 2 ms and verification takes 3 ms. Bob's and Carol's devices are published. */
function verifying(m: Marbles, options: SetUp & { readonly takes?: number } = {}) {
  const under = trusting(m, { answerAfter: 2, takes: 3, ...options });
  under.publish("a", { a: together(B1, listOf(CAROL, signed(CAROL, "C1"))) });
  return { ...under, savedLists: () => savedIds(under.store.records, "list") };
}

describe("an answer that is being verified", () => {
  it(
    "is emitted when it is verified, and cached from then on",
    marbles((m) => {
      const { publish, get, expectQueries } = verifying(m);
      const forged = { ...signed(BOB, "B2"), signatures: { [BOB]: { "ed25519:B2": signature(FORGED) } } };
      publish("a", { a: listOf(BOB, signed(BOB, "B1"), forged) });
      const result = { b: ["bob B1:s !B2:invalid-signature none current"] };
      m.expectObservable(get(BOB), "^-----").toBe("-----(b|)", result);
      m.expectObservable(get(BOB), "------^").toBe("------(b|)", result);
      expectQueries("0-2 bob");
    }),
  );

  it(
    "is superseded by a change, not saved, and callers from then on get a new query",
    marbles((m) => {
      const { publish, get, store, expectQueries } = verifying(m, { sync$: m.hot("---x", { x: changed(BOB) }) });
      publish("---a", { a: B2 });
      m.expectObservable(get(BOB), "^---").toBe("-----(b|)", { b: ["bob B1:s none superseded"] });
      m.expectObservable(get(BOB), "----^").toBe("---------(b|)", { b: ["bob B2:s none current"] });
      expectQueries("0-2 bob", "4-6 bob");
      const list = () => saved(store.records, listKey(BOB));
      m.acts("------c", { c: () => expect(list()).not.toHaveProperty("saved") });
      m.afterwards(() => {
        expect(list()).toMatchObject({ saved: { list: { deviceKeys: new Map([["B2", signed(BOB, "B2")]]) } } });
      });
    }),
  );

  it(
    "does not replace the list of a newer query that is verified sooner",
    marbles((m) => {
      const { publish, get, verifier } = verifying(m, { sync$: m.hot("---x", { x: changed(BOB) }), takes: 8 });
      publish("---a", { a: B2 });
      m.acts("---v", { v: () => (verifier.takes = 1) });
      m.expectObservable(get(BOB), "^----------").toBe("----------(b|)", { b: ["bob B1:s none superseded"] });
      m.expectObservable(get(BOB), "----^------").toBe("-------(b|)", { b: ["bob B2:s none current"] });
      m.expectObservable(get(BOB), "-----------^").toBe("-----------(b|)", { b: ["bob B2:s none current"] });
    }),
  );

  it(
    "is not saved for a user who leaves",
    marbles((m) => {
      const { get, store } = verifying(m, { sync$: m.hot("---x", { x: left(BOB) }) });
      m.expectObservable(get(BOB)).toBe("-----(b|)", { b: ["bob B1:s none superseded"] });
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).not.toHaveProperty("saved");
      });
    }),
  );

  it(
    "is superseded only for the users whom a change names",
    marbles((m) => {
      const { get } = verifying(m, { sync$: m.hot("---x", { x: changed(CAROL) }) });
      m.expectObservable(get(BOB, CAROL)).toBe("-----(x|)", {
        x: ["bob B1:s none current", "carol C1:s none superseded"],
      });
    }),
  );

  it(
    "is superseded by a gap, which may hide a change",
    marbles((m) => {
      const sync$ = m.hot("---y", { y: { next_batch: "s3", since: "s2" } });
      const { get } = verifying(m, { sync$, changes: () => m.cold("-----(x|)", { x: { changed: [] } }) });
      m.expectObservable(get(BOB)).toBe("-----(b|)", { b: ["bob B1:s none superseded"] });
    }),
  );

  it(
    "is joined by callers for whom it will be current",
    marbles((m) => {
      const { get, verifier, expectQueries } = verifying(m);
      m.expectObservable(get(BOB), "^--").toBe("-----(b|)", current);
      m.expectObservable(get(BOB), "---^").toBe("-----(b|)", current);
      expectQueries("0-2 bob");
      m.afterwards(() => {
        expect(verifier.asked).toHaveLength(1);
      });
    }),
  );

  it(
    "is saved although all callers unsubscribe, and joined by the next",
    marbles((m) => {
      const { get, expectQueries, savedLists } = verifying(m);
      m.expectObservable(get(BOB), "^--!").toBe("----");
      m.expectObservable(get(BOB), "----^").toBe("-----(b|)", current);
      m.expectObservable(get(BOB), "------^").toBe("------(b|)", current);
      expectQueries("0-2 bob");
      m.afterwards(() => {
        expect(savedLists()).toEqual([BOB]);
      });
    }),
  );

  it(
    "is saved although all callers unsubscribe and there is no other",
    marbles((m) => {
      const { get, savedLists } = verifying(m);
      m.expectObservable(get(BOB), "^--!").toBe("----");
      m.afterwards(() => {
        expect(savedLists()).toEqual([BOB]);
      });
    }),
  );

  it(
    "does not count towards the cap of requests",
    marbles((m) => {
      const { get, expectQueries } = verifying(m, { maxConcurrentQueries: 1, takes: 20 });
      m.expectObservable(get(BOB)).toBe("22ms (b|)", current);
      m.expectObservable(get(CAROL)).toBe("24ms (c|)", { c: ["carol C1:s none current"] });
      expectQueries("0-2 bob", "2-4 carol");
    }),
  );
});
