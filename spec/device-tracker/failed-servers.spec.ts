import { take } from "rxjs";
import { describe, expect, it } from "vitest";
import { CountingScheduler } from "../support/counting-scheduler.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { restarted, setUp, type SetUp } from "../support/set-up.js";
import { ALICE, BOB, CAROL, EVE } from "../support/users.js";

const DOWN = "down.example";
const K = { k: ["eve - unreachable (last known E1)"] };

/**
 * A tracker that has fetched Bob's list and Eve's; then Eve's server fails, and she changes. The homeserver waits 10 s
 * for it.
 */
function withEveDown(m: Marbles, options: SetUp = {}) {
  const devices = { [BOB]: ["B1"], [EVE]: ["E1"] };
  const inTest = setUp(m, { tracked: [BOB, EVE], devices, ...options });
  const { homeserver, tracker, lookup } = inTest;
  lookup([BOB, EVE]).subscribe();
  homeserver.unreachable.add(DOWN);
  homeserver.answerAfter = 10_000;
  tracker.invalidate([EVE]).subscribe();
  const recover = () => {
    homeserver.unreachable.clear();
    homeserver.answerAfter = 3;
  };
  return { ...inTest, recover };
}

describe("a homeserver that failed", () => {
  it(
    "costs the lookups of its users no time, and they are queried in the background",
    marbles((m) => {
      const { lookup, expectQueries } = withEveDown(m);
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.expectObservable(lookup([EVE]), "10001ms ^").toBe("10001ms (k|)", K);
      m.expectObservable(lookup([EVE, BOB]), "12s ^").toBe("12s (x|)", { x: [...K.k, "bob B1 current"] });
      m.expectObservable(lookup([EVE]), "25s ^").toBe("25s (k|)", K);
      expectQueries("0-0 bob eve", "0-10000 eve", "10001-20001 eve", "25000-35000 eve");
    }),
  );

  it(
    "is waited for again after a minute, and not for two when it has failed again",
    marbles((m) => {
      const { lookup } = withEveDown(m);
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.expectObservable(lookup([EVE]), "70s ^").toBe("80s (k|)", K);
      m.expectObservable(lookup([EVE]), "199s ^").toBe("199s (k|)", K);
    }),
  );

  it(
    "is forgotten when the background query succeeds, which caches the list",
    marbles((m) => {
      const { lookup, homeserver, recover, expectQueries } = withEveDown(m);
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.acts("11s r", { r: recover });
      m.expectObservable(lookup([EVE]), "12s ^").toBe("12s (k|)", K);
      m.expectObservable(lookup([EVE]), "13s ^").toBe("13s (e|)", { e: ["eve E1 current"] });
      m.acts("14s c", {
        c: () => {
          homeserver.addDevice(EVE, "E2");
          homeserver.step();
        },
      });
      m.expectObservable(lookup([EVE]), "15s ^").toBe("15003ms (e|)", { e: ["eve E1,E2 current"] });
      expectQueries("0-0 bob eve", "0-10000 eve", "12000-12003 eve", "15000-15003 eve");
    }),
  );

  it(
    "is waited for by forceDownload, which joins the background query",
    marbles((m) => {
      const { lookup, expectQueries } = withEveDown(m);
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.expectObservable(lookup([EVE]), "11s ^").toBe("11s (k|)", K);
      m.expectObservable(lookup([EVE], { forceDownload: true }), "12s ^").toBe("21s (k|)", K);
      m.expectObservable(lookup([EVE], { forceDownload: true }), "22s ^").toBe("32s (k|)", K);
      expectQueries("0-0 bob eve", "0-10000 eve", "11000-21000 eve", "22000-32000 eve");
    }),
  );

  it(
    "is waited for by users of whom no list is known",
    marbles((m) => {
      const evan = "@evan:down.example";
      const { lookup } = withEveDown(m);
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.expectObservable(lookup([evan]), "11s ^").toBe("21s (x|)", { x: ["evan - unreachable"] });
    }),
  );

  it(
    "has background queries that no other query waits for",
    marbles((m) => {
      const { lookup, homeserver, expectQueries } = withEveDown(m, { maxConcurrentQueries: 1 });
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.expectObservable(lookup([EVE]), "11s ^").toBe("11s (k|)", K);
      m.acts("11s a", { a: () => (homeserver.answerAfter = 3) });
      m.expectObservable(lookup([CAROL]), "12s ^").toBe("12003ms (c|)", { c: ["carol - untracked"] });
      expectQueries("0-0 bob eve", "0-10000 eve", "11000-21000 eve", "12000-12003 carol");
    }),
  );

  it(
    "is queried once for many lookups at a time",
    marbles((m) => {
      const { lookup, expectQueries } = withEveDown(m);
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      for (let ms = 11_000; ms < 12_000; ms += 100)
        m.expectObservable(lookup([EVE]), `${ms}ms ^`).toBe(`${ms}ms (k|)`, K);
      expectQueries("0-0 bob eve", "0-10000 eve", "11000-21000 eve");
    }),
  );

  it(
    "has the last list of its users read from the store after a restart",
    marbles((m) => {
      const first = withEveDown(m);
      const { lookup } = restarted(m, first);
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.expectObservable(lookup([EVE]), "11s ^").toBe("11s (k|)", K);
    }),
  );

  it(
    "is never our own: it has answered, and most users are on it",
    marbles((m) => {
      const devices = { [ALICE]: ["A1"], [BOB]: ["B1"] };
      const { lookup, homeserver, tracker } = setUp(m, { tracked: [BOB], devices });
      lookup([ALICE, BOB]).subscribe();
      homeserver.unreachable.add("example.org");
      homeserver.answerAfter = 3;
      tracker.invalidate([BOB]).subscribe();
      const unreachable = { b: ["bob - unreachable (last known B1)"] };
      m.expectObservable(lookup([BOB]), "^---").toBe("---(b|)", unreachable);
      m.acts("----r", { r: () => homeserver.unreachable.clear() });
      m.expectObservable(lookup([BOB]), "-----^").toBe("--------(b|)", { b: ["bob B1 current"] });
    }),
  );

  it(
    "is one the homeserver cannot reach, not one whose user our own fails for",
    marbles((m) => {
      const altered = (response: object) => ({ ...response, device_keys: {}, unanswered: [EVE] });
      let isFailing = false;
      const { lookup, homeserver, tracker, expectQueries } = setUp(m, {
        tracked: [EVE],
        devices: { [EVE]: ["E1"] },
        altered: (response) => (isFailing ? altered(response) : response),
      });
      lookup([EVE]).subscribe();
      isFailing = true;
      homeserver.answerAfter = 3;
      tracker.invalidate([EVE]).subscribe();
      m.expectObservable(lookup([EVE]), "^----").toBe("---(k|)", K);
      m.expectObservable(lookup([EVE]), "----^").toBe("-------(k|)", K);
      expectQueries("0-0 eve", "0-3 eve", "4-7 eve");
    }),
  );
});

describe("a background query", () => {
  it(
    "goes on when the caller unsubscribes, and leaves no timer when it has ended",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { lookup, expectQueries } = withEveDown(m, { scheduler });
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.expectObservable(lookup([EVE]).pipe(take(1)), "11s ^").toBe("11s (k|)", K);
      m.acts("22s t", { t: () => expect(scheduler.pending).toBe(0) });
      expectQueries("0-0 bob eve", "0-10000 eve", "11000-21000 eve");
    }),
  );

  it(
    "is aborted when the tracker is closed",
    marbles((m) => {
      const scheduler = new CountingScheduler(m.scheduler);
      const { lookup, tracker, expectQueries } = withEveDown(m, { scheduler });
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.expectObservable(lookup([EVE]), "11s ^").toBe("11s (k|)", K);
      m.acts("12s c", { c: () => tracker.close() });
      m.acts("12001ms t", { t: () => expect(scheduler.pending).toBe(0) });
      expectQueries("0-0 bob eve", "0-10000 eve", "11000-12000 eve (aborted)");
    }),
  );

  it(
    "that fails is reported to none, and the next lookup has another one sent",
    marbles((m) => {
      const { lookup, homeserver, problems, expectQueries } = withEveDown(m);
      m.expectObservable(lookup([EVE]), "^").toBe("10s (k|)", K);
      m.acts("11s f", { f: () => homeserver.failNext("refused") });
      m.expectObservable(lookup([EVE]), "12s ^").toBe("12s (k|)", K);
      m.expectObservable(lookup([EVE]), "23s ^").toBe("23s (k|)", K);
      expectQueries("0-0 bob eve", "0-10000 eve", "12000-22000 eve", "23000-33000 eve");
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );
});
