import { describe, expect, it } from "vitest";
import { SYNC } from "../../src/store/records.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { otherTab, setUp } from "../support/set-up.js";
import { BOB, CAROL } from "../support/users.js";
import { changed, step } from "../support/wire.js";

describe("synced$", () => {
  it(
    "emits only since, next_batch and device_lists of a response",
    marbles((m) => {
      const lists = { since: "s0", next_batch: "s1", device_lists: { changed: [BOB] } };
      const sync$ = m.hot("-x-y", {
        x: { ...lists, rooms: { join: {} }, to_device: { events: [] } },
        y: { next_batch: "s2", rooms: {} },
      });
      const { tracker } = setUp(m, { sync$ });
      m.expectObservable(tracker.synced$).toBe("-x-y", { x: lists, y: { next_batch: "s2" } });
    }),
  );

  it(
    "emits each response once it is durable, in order",
    marbles((m) => {
      const sync$ = m.hot("-a-b------c", { a: changed(BOB), b: step("s2"), c: step("s3", { changed: [BOB] }) });
      const { store, synced$ } = setUp(m, { tracked: [BOB], sync$ });
      store.takes = 3;
      m.expectObservable(synced$).toBe("----a--b-----c", { a: "s1", b: "s2", c: "s3" });
    }),
  );

  it(
    "emits when the saved token is the response's",
    marbles((m) => {
      const { tracker, store } = setUp(m, { sync$: m.hot("-a-b", { a: step("s1"), b: step("s2") }) });
      store.takes = 2;
      const tokens: unknown[] = [];
      tracker.synced$.subscribe(() => tokens.push(saved(store.records, SYNC)));
      m.afterwards(() => {
        expect(tokens).toMatchObject([{ token: "s1" }, { token: "s2" }]);
      });
    }),
  );

  it(
    "emits a response that changes nothing after the ones before it are durable",
    marbles((m) => {
      const sync$ = m.hot("-ab", { a: changed(BOB), b: { since: "s1", next_batch: "s1" } });
      const { store, synced$ } = setUp(m, { sync$ });
      store.takes = 4;
      m.expectObservable(synced$).toBe("-----(ab)", { a: "s1", b: "s1" });
    }),
  );

  it(
    "emits a response although another tab committed the same step first",
    marbles((m) => {
      const same = { since: "s0", next_batch: "s1", device_lists: { changed: [BOB] } };
      const first = setUp(m, { sync$: m.hot("-x", { x: same }) });
      const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records, announceAfter: 9 });
      const { tracker, synced$ } = otherTab(m, first, { store, sync$: m.hot("--x", { x: same }) });
      // Once as the response of this tab, and once as the step of the other.
      const theirs = { ...same, device_lists: { changed: [BOB], left: [] } };
      m.expectObservable(tracker.applied$).toBe("--(xy)", { x: same, y: theirs });
      m.expectObservable(synced$).toBe("--(xx)", { x: "s1" });
    }),
  );

  it(
    "emits a step of a stream that is behind with the stream's next commit",
    marbles((m) => {
      const first = setUp(m, { sync$: m.hot("-x", { x: { since: "s0", next_batch: "s7" } }) });
      const behind = { since: "s0", next_batch: "s1", device_lists: { changed: [CAROL] } };
      const sync$ = m.hot("-------b--c", { b: behind, c: { since: "s7", next_batch: "s8" } });
      const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records, announceAfter: 8 });
      const { synced$ } = otherTab(m, first, { store, sync$, tracked: [CAROL] });
      m.expectObservable(synced$).toBe("-------x--(bc)", { x: "s7", b: "s1", c: "s8" });
    }),
  );

  it(
    "is hot",
    marbles((m) => {
      const { synced$ } = setUp(m, { sync$: m.hot("-x-y", { x: step("s1"), y: step("s2") }) });
      m.expectObservable(synced$, "--^-").toBe("---y", { y: "s2" });
    }),
  );
});
