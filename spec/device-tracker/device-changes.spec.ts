import { mergeMap, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { setUp } from "../support/set-up.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { changed, left, step } from "../support/wire.js";

describe("deviceChanges$", () => {
  it(
    "emits the users that a step names, and nothing for a step that names none",
    marbles((m) => {
      const sync$ = m.hot("-x-y-z-", {
        x: changed(BOB, CAROL),
        y: step("s1"),
        z: step("s1", { changed: [BOB], left: [CAROL] }),
      });
      const { tracker } = setUp(m, { sync$ });
      const x = { changed: [BOB, CAROL], left: [] };
      m.expectObservable(tracker.deviceChanges$).toBe("-x---z-", { x, z: { changed: [BOB], left: [CAROL] } });
    }),
  );

  it(
    "takes a user in both lists as left, and counts one listed twice once",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: step("s1", { changed: [BOB, CAROL, BOB], left: [CAROL, CAROL] }) });
      const { tracker } = setUp(m, { sync$ });
      m.expectObservable(tracker.deviceChanges$).toBe("-x", { x: { changed: [BOB], left: [CAROL] } });
    }),
  );

  it(
    "takes our own user as changed if the server lists them in left",
    marbles((m) => {
      const { tracker } = setUp(m, { sync$: m.hot("-x", { x: left(ALICE) }) });
      m.expectObservable(tracker.deviceChanges$).toBe("-x", { x: { changed: [ALICE], left: [] } });
    }),
  );

  it(
    "is hot",
    marbles((m) => {
      const { tracker } = setUp(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      m.expectObservable(tracker.deviceChanges$, "--^--").toBe("-----");
    }),
  );

  it(
    "does not wait for the store",
    marbles((m) => {
      const { tracker, store } = setUp(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      store.takes = 5;
      m.expectObservable(tracker.deviceChanges$).toBe("-x", { x: { changed: [BOB], left: [] } });
    }),
  );

  it(
    "does not emit what the application asked for",
    marbles((m) => {
      const { tracker } = setUp(m);
      m.acts("-tiu", {
        t: () => tracker.track([BOB]).subscribe(),
        i: () => tracker.invalidate([BOB]).subscribe(),
        u: () => tracker.untrack([BOB]).subscribe(),
      });
      m.expectObservable(tracker.deviceChanges$).toBe("--");
    }),
  );

  it(
    "emits after queries are superseded: a lookup from within gets a new one",
    marbles((m) => {
      const sync$ = m.hot("---x", { x: changed(BOB) });
      const { tracker, lookup, expectQueries } = setUp(m, {
        tracked: [BOB],
        devices: { [BOB]: ["B1"] },
        sync$,
        answerAfter: 6,
      });
      m.expectObservable(lookup([BOB])).toBe("------(b|)", { b: ["bob B1 superseded"] });
      const within$ = tracker.deviceChanges$.pipe(mergeMap(() => lookup([BOB])));
      m.expectObservable(within$).toBe("---------b", { b: ["bob B1 current"] });
      expectQueries("0-6 bob", "3-9 bob");
    }),
  );

  it(
    "emits after cached lists are outdated: a lookup from within queries",
    marbles((m) => {
      const sync$ = m.hot("---x", { x: changed(BOB) });
      const { tracker, lookup, expectQueries } = setUp(m, { tracked: [BOB], devices: { [BOB]: ["B1"] }, sync$ });
      lookup([BOB]).subscribe();
      const within$ = tracker.deviceChanges$.pipe(mergeMap(() => lookup([BOB])));
      m.expectObservable(within$).toBe("---b", { b: ["bob B1 current"] });
      expectQueries("0-0 bob", "3-3 bob");
    }),
  );

  it(
    "emits after trackedUsers$",
    marbles((m) => {
      const { tracker } = setUp(m, { sync$: m.hot("-x", { x: changed(BOB) }) });
      const seen: string[] = [];
      tracker.trackedUsers$.subscribe((users) => seen.push([...users].map(localpart).join(" ")));
      tracker.deviceChanges$.subscribe(() => seen.push("changes"));
      m.afterwards(() => {
        expect(seen).toEqual(["alice", "alice bob", "changes"]);
      });
    }),
  );

  it(
    "emits steps in one order to all subscribers, even one caused by the other",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const { tracker, synced$ } = setUp(m, { sync$ });
      const seen: string[] = [];
      tracker.deviceChanges$.subscribe(({ changed: [user] }) => {
        if (user === BOB) sync$.next(step("s2", { changed: [CAROL] }));
      });
      tracker.deviceChanges$.subscribe(({ changed: users }) => seen.push(...users));
      synced$.subscribe((token) => seen.push(token));
      sync$.next(changed(BOB));
      expect(seen).toEqual([BOB, "s1", CAROL, "s2"]);
    }),
  );
});
