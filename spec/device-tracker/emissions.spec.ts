import { map, mergeMap, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { SYNC } from "../../src/store/records.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { localpart } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { answer, changed, left, step } from "../support/wire.js";

const names = map((users: Iterable<string>) => Array.from(users, localpart).join(" "));

describe("deviceChanges$", () => {
  it(
    "emits what a step announces, and nothing for a step that announces nothing",
    marbles((m) => {
      const sync$ = m.hot("-x-y-z-", {
        x: changed(BOB, CAROL),
        y: step("s1"),
        z: step("s1", { changed: [BOB], left: [CAROL] }),
      });
      const { tracker } = trackerIn(m, { sync$ });
      const x = { changed: [BOB, CAROL], left: [] };
      m.expectObservable(tracker.deviceChanges$).toBe("-x---z-", { x, z: { changed: [BOB], left: [CAROL] } });
    }),
  );

  it(
    "counts a user in both lists as left, and one listed twice once",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: step("s1", { changed: [BOB, CAROL, BOB], left: [CAROL, CAROL] }) });
      const { tracker } = trackerIn(m, { sync$ });
      m.expectObservable(tracker.deviceChanges$).toBe("-x-", { x: { changed: [BOB], left: [CAROL] } });
    }),
  );

  it(
    "is hot: who comes later has missed it",
    marbles((m) => {
      const { tracker } = trackerIn(m, { sync$: m.hot("-x---", { x: changed(BOB) }) });
      m.expectObservable(tracker.deviceChanges$, "--^--").toBe("-----");
    }),
  );

  it(
    "does not wait for the store",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, { tracking: [BOB], store, sync$: m.hot("-x-", { x: changed(BOB) }) });
      store.takes = 5;
      m.expectObservable(tracker.deviceChanges$).toBe("-x-", { x: { changed: [BOB], left: [] } });
    }),
  );

  it(
    "is not told of what track() adds, which no server announced",
    marbles((m) => {
      const { tracker } = trackerIn(m);
      m.acts("-t", { t: () => tracker.track([BOB]).subscribe() });
      m.expectObservable(tracker.deviceChanges$).toBe("--");
    }),
  );

  it(
    "emits after lookups see the change: one made from inside gets a new query",
    marbles((m) => {
      const sync$ = m.hot("  ---x         ", { x: changed(BOB) });
      const first$ = m.cold("------(b|)   ", { b: answer({ [BOB]: ["B1"] }) });
      const second$ = m.cold("  ------(b|)", { b: answer({ [BOB]: ["B2"] }) });
      const { tracker, lookup, asked$ } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      const inside: unknown[] = [];
      tracker.deviceChanges$.pipe(mergeMap(() => lookup([BOB]))).subscribe((result) => inside.push(result));
      m.expectObservable(lookup([BOB])).toBe("------(b|)", { b: ["bob B1 superseded"] });
      m.expectObservable(asked$).toBe("b--b", { b: "bob" });
      m.afterwards(() => {
        expect(inside).toEqual([["bob B2 current"]]);
      });
    }),
  );

  it(
    "emits after a cached list is out of use: a lookup from inside asks again",
    marbles((m) => {
      const sync$ = m.hot("  ---x         ", { x: changed(BOB) });
      const first$ = m.cold("-(b|)        ", { b: answer({ [BOB]: ["B1"] }) });
      const second$ = m.cold("  -(b|)     ", { b: answer({ [BOB]: ["B2"] }) });
      const { tracker, lookup } = trackerIn(m, { tracking: [BOB], sync$, answers: [first$, second$] });
      const inside: unknown[] = [];
      tracker.deviceChanges$.pipe(mergeMap(() => lookup([BOB]))).subscribe((result) => inside.push(result));
      lookup([BOB]).subscribe();
      m.afterwards(() => {
        expect(inside).toEqual([["bob B2 current"]]);
      });
    }),
  );

  it(
    "tells every subscriber of two steps in the same order, also where the second is given from inside the first",
    marbles((m) => {
      const steps$ = new Subject<SyncResponse>();
      const { tracker } = trackerIn(m, { sync$: steps$ });
      const seen: string[] = [];
      tracker.deviceChanges$.subscribe(({ changed: [user] }) => {
        if (user === BOB) steps$.next(changed(CAROL));
      });
      tracker.deviceChanges$.subscribe(({ changed: users }) => seen.push(...users));
      tracker.synced$.subscribe((response) => seen.push(`synced ${response.device_lists?.changed?.join(" ") ?? ""}`));
      steps$.next(changed(BOB));
      expect(seen).toEqual([BOB, `synced ${BOB}`, CAROL, `synced ${CAROL}`]);
    }),
  );

  it(
    "finds trackedUsers$ already at the new set",
    marbles((m) => {
      const { tracker } = trackerIn(m, { sync$: m.hot("-x-", { x: changed(BOB) }) });
      const seen: string[] = [];
      tracker.trackedUsers$.subscribe((users) => seen.push([...users].map(localpart).join(" ")));
      tracker.deviceChanges$.subscribe(() => seen.push("announced"));
      m.afterwards(() => {
        expect(seen).toEqual(["alice", "alice bob", "announced"]);
      });
    }),
  );
});

describe("synced$", () => {
  it("emits the very response, after deviceChanges$", () => {
    const steps$ = new Subject<SyncResponse>();
    marbles((m) => {
      const { tracker } = trackerIn(m, { sync$: steps$ });
      const seen: unknown[] = [];
      tracker.synced$.subscribe((response) => seen.push(response));
      tracker.deviceChanges$.subscribe(() => seen.push("announced"));
      const response = { ...changed(BOB), rooms: { join: {} } };
      steps$.next(response);
      expect(seen[0]).toBe("announced");
      expect(seen[1]).toBe(response);
    })();
  });

  it(
    "emits each response once it is durable, in order",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const sync$ = m.hot("-a-b------c-----", {
        a: step("s1", { changed: [BOB] }),
        b: step("s2"),
        c: step("s3", { changed: [BOB] }),
      });
      const { tracker } = trackerIn(m, { tracking: [BOB], store, sync$ });
      store.takes = 3;
      const tokens$ = tracker.synced$.pipe(map(({ next_batch }) => next_batch));
      m.expectObservable(tokens$).toBe("----a--b-----c--", { a: "s1", b: "s2", c: "s3" });
    }),
  );

  it(
    "emits when the saved token is the response's",
    marbles((m) => {
      const store = new ScriptedStore({ scheduler: m.scheduler });
      const { tracker } = trackerIn(m, {
        tracking: [BOB],
        store,
        sync$: m.hot("-a-b--", { a: step("s1"), b: step("s2") }),
      });
      store.takes = 2;
      const savedTokens: unknown[] = [];
      tracker.synced$.subscribe(() => savedTokens.push(saved(store.records, SYNC)));
      m.afterwards(() => {
        expect(savedTokens).toMatchObject([{ token: "s1" }, { token: "s2" }]);
      });
    }),
  );

  it(
    "does not emit what is no sync response",
    marbles((m) => {
      const { tracker, problems$ } = trackerIn(m, { sync$: m.hot("-x-", { x: { next_batch: 5 } as never }) });
      m.expectObservable(tracker.synced$).toBe("---");
      m.expectObservable(problems$).toBe("-p-", { p: "sync-response-refused" });
    }),
  );
});

describe("trackedUsers$", () => {
  it(
    "has our own user from the start",
    marbles((m) => {
      const { tracker } = trackerIn(m);
      m.expectObservable(tracker.trackedUsers$.pipe(names)).toBe("a", { a: "alice" });
    }),
  );

  it(
    "keeps our own user when the server says that they left",
    marbles((m) => {
      const { tracker } = trackerIn(m, { sync$: m.hot("-x-", { x: left(ALICE) }) });
      m.expectObservable(tracker.trackedUsers$.pipe(names)).toBe("a--", { a: "alice" });
      m.expectObservable(tracker.deviceChanges$).toBe("-x-", { x: { changed: [ALICE], left: [] } });
    }),
  );

  it(
    "follows who is announced and who leaves, and replays the current set",
    marbles((m) => {
      const sync$ = m.hot("                                 -x-y-", { x: changed(BOB, CAROL), y: left(BOB) });
      const { tracker } = trackerIn(m, { sync$ });
      const sets = { a: "alice", x: "alice bob carol", y: "alice carol" };
      m.expectObservable(tracker.trackedUsers$.pipe(names), "^-----").toBe("ax-y-", sets);
      m.expectObservable(tracker.trackedUsers$.pipe(names), "--^---").toBe("--xy-", sets);
      m.expectObservable(tracker.trackedUsers$.pipe(names), "----^-").toBe("----y", sets);
    }),
  );

  it(
    "emits only when the set changes",
    marbles((m) => {
      const sync$ = m.hot("-x-y-z-", { x: changed(BOB), y: changed(BOB), z: left(DAVE) });
      const { tracker } = trackerIn(m, { sync$ });
      m.expectObservable(tracker.trackedUsers$.pipe(names)).toBe("ax-----", { a: "alice", x: "alice bob" });
    }),
  );

  it(
    "emits once for one step that takes one user in and another out",
    marbles((m) => {
      const sync$ = m.hot("-x-", { x: step("s1", { changed: [CAROL], left: [BOB] }) });
      const { tracker } = trackerIn(m, { tracking: [BOB], sync$ });
      m.expectObservable(tracker.trackedUsers$.pipe(names)).toBe("ax-", { a: "alice bob", x: "alice carol" });
    }),
  );

  it("never writes into a set that it has emitted", () => {
    marbles((m) => {
      const steps$ = new Subject<SyncResponse>();
      const { tracker } = trackerIn(m, { sync$: steps$ });
      const sets: ReadonlySet<string>[] = [];
      tracker.trackedUsers$.subscribe((users) => sets.push(users));
      steps$.next(changed(BOB));
      steps$.next(left(BOB));
      expect(sets.map((users) => [...users])).toEqual([[ALICE], [ALICE, BOB], [ALICE]]);
    })();
  });
});
