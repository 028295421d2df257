import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { setUp, type SetUp } from "../support/set-up.js";
import { BOB, EVE } from "../support/users.js";

const SHOWN = {
  a: ["eve E1 current"],
  b: ["eve E2 current"],
  s: ["eve E1 superseded"],
  v: ["eve E1 unreachable (last known E1)"],
  k: ["eve - unreachable (last known E1)"],
  t: ["eve E2 untracked"],
};

/**
 * A tracker that has had an answer about Eve, with E1, and one that her server had failed: the homeserver waits 10 s for
 * it. `move` replaces her device.
 */
function afterFailure(m: Marbles, options: SetUp = {}) {
  const inTest = setUp(m, { tracked: [EVE], devices: { [EVE]: ["E1"] }, ...options });
  const { homeserver, tracker, lookup } = inTest;
  lookup([EVE]).subscribe();
  homeserver.unreachable.add("down.example");
  lookup([EVE], { forceDownload: true }).subscribe();
  homeserver.answerAfter = 10_000;
  const move = () => {
    homeserver.removeDevice(EVE, "E1");
    homeserver.addDevice(EVE, "E2");
    homeserver.step();
  };
  const recover = () => {
    homeserver.unreachable.clear();
    homeserver.answerAfter = 5;
  };
  return { ...inTest, move, recover, invalidate: () => tracker.invalidate([EVE]).subscribe() };
}

describe("a watched user whose server failed lately", () => {
  it(
    "is shown at once, and queried again 2 s after the query has failed",
    marbles((m) => {
      const { watch, invalidate, recover, expectQueries } = afterFailure(m);
      invalidate();
      m.expectObservable(watch([EVE]), "-^ 60s !").toBe("-k 44004ms a", SHOWN);
      m.acts("30s r", { r: recover });
      expectQueries("0-0 eve", "0-0 eve", "1-10001 eve", "12001-22001 eve", "26001-36001 eve", "44001-44006 eve");
    }),
  );

  it(
    "is shown as they were when they change, and updated as soon as the query succeeds",
    marbles((m) => {
      const { watch, move, recover, expectQueries } = afterFailure(m);
      m.expectObservable(watch([EVE]), "-^ 60s !").toBe("-a-(sv)-b", SHOWN);
      m.acts("--r", { r: recover });
      m.acts("---m", { m: move });
      expectQueries("0-0 eve", "0-0 eve", "3-8 eve");
    }),
  );

  it(
    "is updated by the background query of a lookup",
    marbles((m) => {
      const { watch, lookup, homeserver, invalidate, move, recover, expectQueries } = afterFailure(m);
      invalidate();
      m.acts("-f", { f: () => homeserver.failNext(Object.assign(new Error("refused"), { status: 500 })) });
      m.expectObservable(watch([EVE]), "-^ 60s !").toBe("-k 10005ms b", SHOWN);
      m.acts("10002ms r", { r: recover });
      m.acts("10002ms m", { m: move });
      m.expectObservable(lookup([EVE]), "10003ms ^").toBe("10003ms (k|)", SHOWN);
      expectQueries("0-0 eve", "0-0 eve", "1-10001 eve", "10002-10007 eve");
    }),
  );

  it(
    "is updated although they are not tracked, and no list is cached",
    marbles((m) => {
      const { watch, tracker, homeserver, recover } = afterFailure(m);
      tracker.untrack([EVE]).subscribe();
      homeserver.removeDevice(EVE, "E1");
      homeserver.addDevice(EVE, "E2");
      m.acts("-r", { r: recover });
      m.expectObservable(watch([EVE]), "--^ 60s !").toBe("--k----t", SHOWN);
    }),
  );

  it(
    "is reported if the request fails, and queried no sooner than the server asks",
    marbles((m) => {
      const { watch, homeserver, invalidate, problems, expectQueries } = afterFailure(m);
      invalidate();
      const error = Object.assign(new Error("refused"), { status: 429, retryAfter: 30_000 });
      homeserver.failNext(error);
      m.expectObservable(watch([EVE]), "-^ 45s !").toBe("-k", SHOWN);
      expectQueries("0-0 eve", "0-0 eve", "1-10001 eve", "40001-45002 eve (aborted)");
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "watch-failed", userIds: [EVE], error, retryIn: 30_000 }]);
      });
    }),
  );

  it(
    "does not keep others from being shown, nor from being queried",
    marbles((m) => {
      const { watch, homeserver, tracker, invalidate } = afterFailure(m, { maxConcurrentQueries: 1 });
      homeserver.addDevice(BOB, "B1");
      tracker.track([BOB]).subscribe();
      invalidate();
      m.acts("-a--b", {
        a: () => (homeserver.answerAfter = 3),
        b: () => (homeserver.answerAfter = 10_000),
      });
      const bob$ = watch([EVE, BOB]).pipe(map(([, bob]) => bob));
      m.expectObservable(bob$, "--^ 3s !").toBe("-----b", { b: "bob B1 current" });
    }),
  );

  it(
    "is no longer queried when the watcher is unsubscribed",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { watch, invalidate, expectQueries } = afterFailure(m, { scheduler });
      invalidate();
      m.expectObservable(watch([EVE]), "-^--!").toBe("-k", SHOWN);
      m.acts("-----t", { t: () => expect(scheduler.pending).toBe(0) });
      expectQueries("0-0 eve", "0-0 eve", "1-4 eve (aborted)");
    }),
  );
});
