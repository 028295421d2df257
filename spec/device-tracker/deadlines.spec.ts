import { map, NEVER, Observable, of, timer } from "rxjs";
import { describe, expect, it } from "vitest";
import { QueryTimedOutError, StoreTimedOutError } from "../../src/model/errors.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { listKey } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, step } from "../support/wire.js";

const B1 = answer({ [BOB]: ["B1"] });

describe("queryDeadline", () => {
  it(
    "is 60 s unless told otherwise: then the query fails and is aborted",
    marbles((m) => {
      const never$ = m.cold("-");
      const { lookup } = trackerIn(m, { answers: [never$] });
      m.expectObservable(lookup([BOB]), "-^-").toBe("- 60s #", undefined, new QueryTimedOutError(60_000, [BOB]));
      m.expectSubscriptions(never$.subscriptions).toBe("-^ 59999ms !");
    }),
  );

  it(
    "leaves no trace: the next call asks again",
    marbles((m) => {
      const { lookup } = trackerIn(m, { answers: [NEVER, of(B1)], queryDeadline: 4 });
      m.expectObservable(lookup([BOB]), "^------").toBe("----#", undefined, new QueryTimedOutError(4, [BOB]));
      m.expectObservable(lookup([BOB]), "-----^-").toBe("-----(b|)", { b: ["bob B1 untracked"] });
    }),
  );

  it(
    "counts from the sending of the query, however long it waited for its turn",
    marbles((m) => {
      const carol$ = m.cold("                    -----(c|)", { c: answer({ [CAROL]: ["C1"] }) });
      const { lookup } = trackerIn(m, { answers: [NEVER, carol$], queryDeadline: 8, maxConcurrentQueries: 1 });
      m.expectObservable(lookup([BOB]), "   ^--------").toBe("--------#", undefined, new QueryTimedOutError(8, [BOB]));
      m.expectObservable(lookup([CAROL]), " -^-------").toBe("-------------(c|)", { c: ["carol C1 untracked"] });
    }),
  );

  it(
    "does not begin anew for a caller who joins",
    marbles((m) => {
      const { lookup } = trackerIn(m, { answers: [NEVER], queryDeadline: 8 });
      m.expectObservable(lookup([BOB]), "^--------").toBe("--------#", undefined, new QueryTimedOutError(8, [BOB]));
      m.expectObservable(lookup([BOB]), "-----^---").toBe("--------#", undefined, new QueryTimedOutError(8, [BOB]));
    }),
  );

  it(
    "is longer where the caller's timeout needs it: the homeserver must have its time",
    marbles((m) => {
      const slow$ = m.cold("99s (b|)", { b: B1 });
      const { lookup } = trackerIn(m, { answers: [slow$] });
      m.expectObservable(lookup([BOB], { timeout: 100_000 })).toBe("99s (b|)", { b: ["bob B1 untracked"] });
    }),
  );

  it(
    "ends all the same where the caller's timeout is longer",
    marbles((m) => {
      const { tracker } = trackerIn(m, { answers: [NEVER] });
      let failedAt = 0;
      tracker.getDeviceKeys([BOB], { timeout: 100_000 }).subscribe({ error: () => (failedAt = m.scheduler.now()) });
      m.afterwards(() => {
        expect(failedAt).toBeGreaterThan(100_000);
        expect(failedAt).toBeLessThanOrEqual(160_000);
      });
    }),
  );

  it(
    "is not shortened by a small timeout",
    marbles((m) => {
      const slow$ = m.cold("59s (b|)", { b: B1 });
      const { lookup } = trackerIn(m, { answers: [slow$] });
      m.expectObservable(lookup([BOB], { timeout: 0 })).toBe("59s (b|)", { b: ["bob B1 untracked"] });
    }),
  );

  it(
    "does not count while the answer is being saved",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { lookup } = trackerIn(m, {
        tracking: [BOB],
        store,
        answers: [m.cold("---(b|)", { b: B1 })],
        queryDeadline: 5,
      });
      store.takes = 5;
      m.expectObservable(lookup([BOB], { forceDownload: true })).toBe("--------(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "has a late answer ignored, also where the port cannot abort",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const deaf$ = new Observable<KeysQueryResponse>((subscriber) => {
        timer(8, m.scheduler).subscribe(() => subscriber.next(B1));
      });
      const { lookup } = trackerIn(m, { tracking: [BOB], store, answers: [deaf$], queryDeadline: 4 });
      m.expectObservable(lookup([BOB])).toBe("----#", undefined, new QueryTimedOutError(4, [BOB]));
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeUndefined();
      });
    }),
  );
});

describe("storeDeadline", () => {
  const late = new StoreTimedOutError(10_000);

  it(
    "is 10 s unless told otherwise: a store that does not open is replaced by memory then",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      store.hangNext();
      const { lookup, problems$, problems } = trackerIn(m, { store, answers: [of(B1)] });
      m.expectObservable(lookup([BOB])).toBe("10s (b|)", { b: ["bob B1 untracked"] });
      m.expectObservable(problems$).toBe("10s p", { p: "store-unavailable" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ error: late }]);
      });
    }),
  );

  it(
    "has the server asked where a read hangs",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      trackerIn(m, { tracking: [BOB], store, answers: [of(B1)] })
        .lookup([BOB])
        .subscribe();
      const { lookup, problems$ } = trackerIn(m, { store, answers: [of(answer({ [BOB]: ["B2"] }))], sync$: NEVER });
      store.hangNext("read");
      m.expectObservable(lookup([BOB])).toBe("10s (b|)", { b: ["bob B2 current"] });
      m.expectObservable(problems$).toBe("10s p", { p: "read-failed" });
    }),
  );

  it(
    "has a commit that hangs tried again",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker, problems } = trackerIn(m, { tracking: [BOB], store, sync$: m.hot("-x", { x: step("s1") }) });
      store.hangNext("update");
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("- 11s x", { x: "s1" });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "commit-failed", error: late, retryIn: 1_000 }]);
      });
    }),
  );

  it(
    "lets a commit that was done although it hung be done again",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("-x", { x: { next_batch: "s2", since: "s1", device_lists: { changed: [BOB] } } });
      const { tracker, lookup } = trackerIn(m, { tracking: [BOB], store, sync$, answers: [of(B1)] });
      store.hangNext("update", true);
      m.expectObservable(tracker.synced$.pipe(map(({ next_batch }) => next_batch))).toBe("- 11s x", { x: "s2" });
      m.expectObservable(lookup([BOB]), "12s ^").toBe("12s (b|)", { b: ["bob B1 current"] });
      m.afterwards(() => {
        expect(saved(store.records, listKey(BOB))).toBeDefined();
      });
    }),
  );

  it(
    "gives a value whose saving hangs, and memory keeps the list",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { lookup, problems$ } = trackerIn(m, { tracking: [BOB], store, answers: [of(B1)], storeDeadline: 5 });
      store.hangNext("update");
      m.expectObservable(lookup([BOB]), "-^------").toBe("------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(lookup([BOB]), "-------^").toBe("-------(b|)", { b: ["bob B1 current"] });
      m.expectObservable(problems$).toBe("------p", { p: "save-failed" });
    }),
  );
});
