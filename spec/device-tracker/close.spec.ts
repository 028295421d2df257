import { catchError, map, merge, NEVER, of, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { TrackerClosedError } from "../../src/model/errors.js";
import { SYNC } from "../../src/store/records.js";
import type { ScriptedStore } from "../../src/testing/scripted-store.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { keyOf, signed } from "../support/signed.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";
import { changed, step } from "../support/wire.js";

const closed = new TrackerClosedError();

/** A tracker that is closed when `timing` says `c`. */
function closing(m: Marbles, timing: string, options: SetUp = {}) {
  const scheduler = new CountingScheduler(m.scheduler);
  const under = setUp(m, { tracked: [BOB], devices: { [BOB]: ["B1"] }, scheduler, ...options });
  m.acts(timing, { c: () => under.tracker.close() });
  /** Expects that no timer is left one frame later. */
  const expectNoTimers = () => {
    m.acts(`-${timing}`, { c: () => expect(scheduler.pending).toBe(0) });
  };
  return { ...under, scheduler, expectNoTimers };
}

/** Expects that an observable fails at this frame because the tracker is closed. */
const expectClosed = (m: Marbles, call$: Observable<unknown>, subscription: string, expected: string) => {
  m.expectObservable(call$, subscription).toBe(expected, undefined, closed);
};

describe("close()", () => {
  it(
    "fails pending lookups, and aborts their requests",
    marbles((m) => {
      const { lookup, expectQueries, expectNoTimers } = closing(m, "--c", { answerAfter: 5 });
      expectClosed(m, lookup([BOB]), "^", "--#");
      expectQueries("0-2 bob (aborted)");
      expectNoTimers();
    }),
  );

  it(
    "fails lookups that wait for the saved state",
    marbles((m) => {
      const { lookup, known, store, expectNoTimers } = closing(m, "--c", { connected: false, tracked: [] });
      store.takes = 5;
      expectClosed(m, lookup([BOB]), "^", "--#");
      expectClosed(m, known([BOB]), "^", "--#");
      expectNoTimers();
    }),
  );

  it(
    "fails lookups whose answer is being verified",
    marbles((m) => {
      const verifier = new ScriptedVerifier({ scheduler: m.scheduler, takes: 5 });
      const { homeserver, lookup, expectNoTimers } = closing(m, "--c", { verifier });
      homeserver.addDevice(BOB, "B1", signed(BOB, "B1"));
      expectClosed(m, lookup([BOB]), "^", "--#");
      expectNoTimers();
    }),
  );

  it(
    "fails lookups that wait until a gap is closed",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: { since: "s5", next_batch: "s6" } });
      const { lookup, expectNoTimers } = closing(m, "---c", { sync$, changes: () => NEVER });
      expectClosed(m, lookup([BOB]), "--^", "---#");
      expectNoTimers();
    }),
  );

  it(
    "fails every later call",
    marbles((m) => {
      const { lookup, known, tracker } = closing(m, "c");
      const acknowledged = [
        tracker.acknowledgeIdentity(BOB, keyOf("newM")),
        tracker.acknowledgeDevice(BOB, "B1", keyOf("new")),
      ];
      const calls = [lookup([BOB]), known([BOB]), tracker.findDevice("curve25519", "key"), ...acknowledged];
      const changes = [tracker.track([BOB]), tracker.untrack([BOB]), tracker.invalidate([BOB]), tracker.track([CAROL])];
      for (const call$ of [...calls, ...changes]) expectClosed(m, call$, "-^", "-#");
      m.acts("-c", { c: () => expect(() => tracker.connect()).toThrow(TrackerClosedError) });
    }),
  );

  it(
    "completes all streams, watchers among them",
    marbles((m) => {
      const { tracker, watch, expectNoTimers } = closing(m, "--c");
      const { deviceChanges$, trackedUsers$, applied$, synced$, problems$, deviceUpdates$, caughtUp$ } = tracker;
      for (const stream$ of [deviceChanges$, applied$, synced$, problems$])
        m.expectObservable<unknown>(stream$).toBe("--|");
      m.expectObservable(deviceUpdates$.pipe(map(() => "update"))).toBe("u-|", { u: "update" });
      m.expectObservable(trackedUsers$).toBe("u-|", { u: new Set([ALICE, BOB]) });
      m.expectObservable(caughtUp$.pipe(map(() => "up"))).toBe("u-|", { u: "up" });
      m.expectObservable(watch([BOB])).toBe("b-|", { b: ["bob B1 current"] });
      expectNoTimers();
    }),
  );

  it(
    "lets later subscriptions to the streams complete at once",
    marbles((m) => {
      const { tracker, watch } = closing(m, "c");
      const { deviceChanges$, trackedUsers$, applied$, synced$, problems$, deviceUpdates$, caughtUp$ } = tracker;
      const streams = [deviceChanges$, trackedUsers$, applied$, synced$, problems$, deviceUpdates$, caughtUp$];
      for (const stream$ of [...streams, watch([BOB])]) m.expectObservable<unknown>(stream$, "-^").toBe("-|");
    }),
  );

  it(
    "unsubscribes from sync$",
    marbles((m) => {
      const sync$ = m.hot("-x-y", { x: step("s1"), y: step("s2") });
      const { synced$ } = closing(m, "--c", { sync$ });
      m.expectObservable(synced$).toBe("-x|", { x: "s1" });
      m.expectSubscriptions(sync$.subscriptions).toBe("^-!");
    }),
  );

  it(
    "ends the waits of watchers and of failed commits",
    marbles((m) => {
      const sync$ = m.hot("-x", { x: changed(BOB) });
      const { homeserver, store, watch, scheduler, expectNoTimers } = closing(m, "---c", { sync$, tracked: [EVE] });
      homeserver.unreachable.add("down.example");
      for (let i = 0; i < 9; i++) store.failNext("the disk is full", "update");
      m.expectObservable(watch([EVE])).toBe("e--|", { e: ["eve - unreachable"] });
      m.acts("--t", { t: () => expect(scheduler.pending).toBe(2) });
      expectNoTimers();
    }),
  );

  it(
    "may be called twice, and from within an emission",
    marbles((m) => {
      const { tracker } = closing(m, "--cc", { sync$: m.hot("-x-y", { x: changed(BOB), y: changed(BOB) }) });
      tracker.deviceChanges$.subscribe(() => tracker.close());
      m.expectObservable(tracker.deviceChanges$.pipe(map(() => "changes"))).toBe("-(c|)", { c: "changes" });
    }),
  );
});

describe("commits that are queued at close()", () => {
  const savedSync = (store: ScriptedStore) => saved(store.records, SYNC);

  it(
    "are finished if they are on their way",
    marbles((m) => {
      const { store, tracker } = closing(m, "--c", { sync$: m.hot("-x", { x: changed(BOB) }) });
      store.takes = 4;
      expectClosed(m, tracker.track([CAROL]), "-^", "--#");
      m.afterwards(() => {
        expect(savedSync(store)).toMatchObject({ token: "s1", head: 4 });
      });
    }),
  );

  it(
    "are tried once more if they wait for a retry",
    marbles((m) => {
      const { store } = closing(m, "---c", { sync$: m.hot("-x", { x: step("s1") }) });
      store.failNext("the disk is full", "update");
      m.acts("--a", { a: () => expect(savedSync(store)).toHaveProperty("token", "s0") });
      m.afterwards(() => {
        expect(savedSync(store)).toHaveProperty("token", "s1");
      });
    }),
  );

  it(
    "are given up if the last try fails",
    marbles((m) => {
      const { store, expectNoTimers } = closing(m, "---c", { sync$: m.hot("-x", { x: step("s1") }) });
      store.failNext("the disk is full", "update");
      store.failNext("the disk is full", "update");
      expectNoTimers();
      m.afterwards(() => {
        expect(savedSync(store)).toHaveProperty("token", "s0");
      });
    }),
  );

  it(
    "do not keep callers waiting",
    marbles((m) => {
      const { store, tracker } = closing(m, "--c");
      store.takes = 100;
      const ended$ = merge(tracker.track([CAROL]), tracker.untrack([BOB])).pipe(catchError(() => of("failed")));
      m.expectObservable(ended$, "-^").toBe("--(f|)", { f: "failed" });
    }),
  );
});
