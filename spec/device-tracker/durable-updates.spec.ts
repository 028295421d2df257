import { map, mergeMap } from "rxjs";
import { describe, expect, it } from "vitest";
import type { ListRecord } from "../../src/lists/list-record.js";
import { listKey } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import type { SetUp } from "../support/set-up.js";
import { shields, updateLine } from "../support/shields.js";
import { identityOf, listOf, signed, together } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";
import { changed, left, step } from "../support/wire.js";

const bobs = (...deviceIds: readonly string[]) => listOf(BOB, ...deviceIds.map((deviceId) => signed(BOB, deviceId)));
const own = (name: string) => together(listOf(ALICE), identityOf(ALICE, name, { own: true }));

function updating(m: Marbles, options: SetUp & { readonly takes?: number } = {}) {
  const under = trusting(m, options);
  const ask = (timing: string, users = [BOB]) => {
    m.acts(timing, { q: () => under.fetch(...users).subscribe() });
  };
  return { ...under, updates$: under.tracker.deviceUpdates$.pipe(map(updateLine)), ask };
}

describe("deviceUpdates$", () => {
  it(
    "emits when the list is saved",
    marbles((m) => {
      const { publish, updates$, ask, store } = updating(m);
      const savedIds = () => [
        ...((saved(store.records, listKey(BOB)) as ListRecord).saved?.list.deviceKeys.keys() ?? []),
      ];
      publish("a--b", { a: bobs("B1"), b: bobs("B1", "B2") });
      m.acts("--t", { t: () => (store.takes = 4) });
      ask("   -q-q");
      m.expectObservable(updates$).toBe("-a-----b", { a: "bob added B1", b: "bob added B2" });
      m.acts("------c", { c: () => expect(savedIds()).toEqual(["B1"]) });
      m.acts("--------c", { c: () => expect(savedIds()).toEqual(["B1", "B2"]) });
    }),
  );

  it(
    "emits nothing while the store fails, then what a save changes of the saved list",
    marbles((m) => {
      const { publish, updates$, ask, store, problems$ } = updating(m);
      publish("-a-bc", { a: bobs("B1"), b: bobs("B1", "B2", "B3"), c: bobs("B3") });
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      ask("-q-qq");
      m.expectObservable(updates$).toBe("-a--b", { a: "bob added B1", b: "bob added B3 removed B1" });
      m.expectObservable(problems$).toBe("---p", { p: "save-failed" });
    }),
  );

  it(
    "emits nothing for users who are not tracked, or whose server cannot be reached",
    marbles((m) => {
      const { publish, updates$, ask, homeserver } = updating(m, { tracked: [EVE] });
      homeserver.unreachable.add("down.example");
      publish("a", { a: together(listOf(CAROL, signed(CAROL, "C1")), listOf(EVE, signed(EVE, "E1"))) });
      ask("q", [CAROL, EVE]);
      m.expectObservable(updates$).toBe("-");
    }),
  );

  it(
    "emits nothing for an answer that was superseded on the wire",
    marbles((m) => {
      const { publish, updates$, ask } = updating(m, { sync$: m.hot("----x", { x: changed(BOB) }), answerAfter: 2 });
      publish("a--b-c", { a: bobs("B1"), b: bobs("B2"), c: bobs("B1", "B3") });
      ask("   q--q--q");
      m.expectObservable(updates$).toBe("--a-----b", { a: "bob added B1", b: "bob added B3" });
    }),
  );

  it(
    "emits nothing for an answer that was superseded while it was verified",
    marbles((m) => {
      const { publish, updates$, ask } = updating(m, { sync$: m.hot("--x", { x: changed(BOB) }), takes: 4 });
      publish("a", { a: bobs("B1", "B2") });
      ask("q----q");
      m.expectObservable(updates$).toBe("---------b", { b: "bob added B1,B2" });
    }),
  );

  it(
    "emits nothing for a list that the store refused",
    marbles((m) => {
      const first = updating(m, { sync$: m.hot("-x", { x: changed(BOB) }), answerAfter: 2 });
      const { scheduler } = m;
      const store = new ScriptedStore({ scheduler, records: first.store.records, announceAfter: 5 });
      const { tracker, fetch } = trustingAgain(m, first, { store });
      first.publish("a", { a: bobs("B1") });
      m.expectObservable(fetch(BOB)).toBe("--(b|)", { b: ["bob B1:s none superseded"] });
      m.expectObservable(tracker.deviceUpdates$).toBe("-");
      m.expectObservable(first.updates$).toBe("-");
    }),
  );

  it(
    "emits for an answer whose callers have all unsubscribed",
    marbles((m) => {
      const { publish, updates$, get } = updating(m, { takes: 3 });
      publish("a", { a: bobs("B1") });
      m.expectObservable(get(BOB), "-^!").toBe("---");
      m.expectObservable(updates$).toBe("----a", { a: "bob added B1" });
    }),
  );

  it(
    "emits what changed while the user was away, once they are back",
    marbles((m) => {
      const sync$ = m.hot("--x-y", { x: left(BOB), y: step("s2", { changed: [BOB] }) });
      const { publish, updates$, ask } = updating(m, { sync$ });
      publish("-a-b", { a: bobs("B1", "B2"), b: bobs("B1") });
      ask("-q-q-q");
      m.expectObservable(updates$).toBe("-a---b", { a: "bob added B1,B2", b: "bob removed B2" });
    }),
  );

  it(
    "emits when lookups find the new list: one from within sends no query",
    marbles((m) => {
      const { publish, tracker, ask, expectQueries } = updating(m);
      publish("-a", { a: bobs("B1") });
      ask("-q");
      const within$ = tracker.deviceUpdates$.pipe(
        mergeMap(() => tracker.getDeviceKeys([BOB])),
        map(shields),
      );
      m.expectObservable(within$).toBe("-a", { a: ["bob B1:s none current"] });
      expectQueries("1-1 bob");
    }),
  );

  it(
    "is hot",
    marbles((m) => {
      const { publish, updates$, ask } = updating(m);
      publish("-a-b-c", { a: bobs("B1"), b: bobs("B1", "B2"), c: bobs("B1") });
      ask("    -q-q-q");
      m.expectObservable(updates$, "^-!").toBe("-a", { a: "bob added B1" });
      m.expectObservable(updates$, "----^").toBe("-----c", { c: "bob removed B2" });
    }),
  );
});

describe("a change of our own identity", () => {
  it(
    "is reported when it is durable",
    marbles((m) => {
      const { publish, updates$, ask, store, problems$ } = updating(m);
      publish("-a-b", { a: own("first"), b: own("other") });
      m.acts("--t", { t: () => (store.takes = 4) });
      ask("-q-q", [ALICE]);
      m.expectObservable(updates$).toBe("-a-----b", { a: "alice identity unchanged", b: "alice identity changed" });
      m.expectObservable(problems$).toBe("-------p", { p: "own-identity-changed" });
    }),
  );

  it(
    "is reported at once if it cannot be saved",
    marbles((m) => {
      const { publish, updates$, ask, store, problems$ } = updating(m);
      publish("-a-b", { a: own("first"), b: own("other") });
      m.acts("--f", { f: () => store.failNext("the disk is full", "update") });
      ask("-q-q", [ALICE]);
      m.expectObservable(updates$).toBe("-a", { a: "alice identity unchanged" });
      m.expectObservable(problems$).toBe("---(sp)", { s: "save-failed", p: "own-identity-changed" });
    }),
  );
});
