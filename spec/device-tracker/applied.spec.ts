import { map, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { BOB, CAROL } from "../support/users.js";
import { changed, step } from "../support/wire.js";

describe("applied$", () => {
  it(
    "emits the whole response",
    marbles((m) => {
      const response = { ...changed(BOB), rooms: { join: {} } };
      const { tracker } = setUp(m, { sync$: m.hot("-x", { x: response }) });
      m.expectObservable(tracker.applied$).toBe("-x", { x: response });
      let emitted: unknown;
      tracker.applied$.subscribe((one) => (emitted = one));
      m.afterwards(() => {
        expect(emitted).toBe(response);
      });
    }),
  );

  it(
    "does not wait for the store",
    marbles((m) => {
      const { tracker, store } = setUp(m, { sync$: m.hot("-x-y", { x: step("s1"), y: step("s2") }) });
      store.takes = 5;
      m.expectObservable(tracker.applied$).toBe("-x-y", { x: step("s1"), y: step("s2") });
    }),
  );

  it(
    "goes on while the store fails",
    marbles((m) => {
      const { tracker, store } = setUp(m, { sync$: m.hot("-x-y", { x: step("s1"), y: step("s2") }) });
      store.failNext("the disk is full", "update");
      m.expectObservable(tracker.applied$).toBe("-x-y", { x: step("s1"), y: step("s2") });
    }),
  );

  it(
    "emits after deviceChanges$ and before synced$",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const { tracker } = setUp(m, { sync$ });
      const seen: string[] = [];
      tracker.synced$.subscribe(() => seen.push("synced"));
      tracker.applied$.subscribe(() => seen.push("applied"));
      tracker.deviceChanges$.subscribe(() => seen.push("changes"));
      sync$.next(changed(BOB));
      expect(seen).toEqual(["changes", "applied", "synced"]);
    }),
  );

  it(
    "emits a response that had been committed already",
    marbles((m) => {
      const again = { since: "s0", next_batch: "s1", device_lists: { changed: [BOB] } };
      const { tracker, synced$, problems } = setUp(m, { sync$: m.hot("-x-y", { x: again, y: again }) });
      m.expectObservable(tracker.applied$).toBe("-x-y", { x: again, y: again });
      m.expectObservable(synced$).toBe("-x-y", { x: "s1", y: "s1" });
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );

  it(
    "emits a response before which there was a gap once, after the gap is closed",
    marbles((m) => {
      const late = { since: "s5", next_batch: "s6", device_lists: { changed: [CAROL] } };
      const { tracker, synced$ } = setUp(m, {
        sync$: m.hot("-x", { x: late }),
        changes: () => m.cold("---(x|)", { x: { changed: [] } }),
      });
      m.expectObservable(tracker.applied$).toBe("----x", { x: late });
      m.expectObservable(synced$).toBe("----x", { x: "s6" });
    }),
  );

  it(
    "does not emit what is not a sync response",
    marbles((m) => {
      const { tracker, synced$, problems$ } = setUp(m, { sync$: m.hot("-x", { x: { next_batch: 5 } as never }) });
      m.expectObservable(tracker.applied$).toBe("--");
      m.expectObservable(synced$).toBe("--");
      m.expectObservable(problems$).toBe("-p", { p: "sync-response-refused" });
    }),
  );

  it(
    "is hot",
    marbles((m) => {
      const { tracker } = setUp(m, { sync$: m.hot("-x-y", { x: step("s1"), y: step("s2") }) });
      const tokens$ = tracker.applied$.pipe(map(({ next_batch }) => next_batch));
      m.expectObservable(tokens$, "--^-").toBe("---y", { y: "s2" });
    }),
  );
});
