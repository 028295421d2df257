import { map, merge, of, Subject, switchMap, takeUntil, timer, type Observable } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { summary } from "../support/summary.js";
import { trackerIn } from "../support/tracker-in.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

/** An application, not for the first time, over a homeserver whose answers take 5 ms and a store whose operations take 2 ms. Loading takes two. */
function application({ scheduler }: Marbles) {
  const homeserver = new ScriptedHomeserver({ scheduler, answerAfter: 5 });
  const store = new ScriptedStore({ scheduler, takes: 2 });
  trackerIn({ scheduler }, { store: store.records, sync$: of({ next_batch: homeserver.token }) });
  const start = (records: ScriptedStore) =>
    new DeviceTracker({
      userId: ALICE,
      sync$: homeserver.sync$,
      keysApi: homeserver.keysApi,
      store: records,
      scheduler,
    });
  const inShort = (results$: Observable<DeviceKeysByUser>) => results$.pipe(map(summary));
  return { homeserver, store, tracker: start(store), start, inShort };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an application's whole use of the tracker, in marbles", () => {
  it(
    "sends to every device that was announced before the sending",
    marbles((m) => {
      const { homeserver, tracker, inShort } = application(m);
      homeserver.addDevice(BOB, "PHONE");
      tracker.connect();
      const send$ = new Subject<void>();
      const actions = {
        s: () => homeserver.step(),
        l: () => homeserver.addDevice(BOB, "LAPTOP"),
        m: () => send$.next(),
      };
      m.acts("                         -s------m----------ls---m----------m", actions);
      const sent$ = send$.pipe(switchMap(() => inShort(tracker.getDeviceKeys([BOB]))));
      const values = { a: ["bob PHONE current"], b: ["bob PHONE,LAPTOP current"], c: ["bob PHONE,LAPTOP current"] };
      m.expectObservable(sent$).toBe("-----------------a---------------b-c", values);
      m.afterwards(() => {
        expect(homeserver.queries.map(({ sentAt, answeredAt }) => [sentAt, answeredAt])).toEqual([
          [10, 15],
          [26, 31],
        ]);
      });
    }),
  );

  it(
    "shows a person the devices of a room live",
    marbles((m) => {
      const { homeserver, tracker, inShort } = application(m);
      homeserver.addDevice(BOB, "B1");
      homeserver.addDevice(CAROL, "C1");
      tracker.connect();
      m.acts("-s 19s l-s 20s r-s 30s v-s", {
        s: () => homeserver.step(),
        l: () => homeserver.addDevice(CAROL, "C2"),
        r: () => homeserver.removeDevice(BOB, "B1"),
        v: () => homeserver.leave(CAROL),
      });
      const values = {
        a: ["bob B1 current", "carol C1 current"],
        b: ["bob B1 current", "carol C1,C2 current"],
        c: ["bob - current", "carol C1,C2 current"],
        d: ["bob - current", "carol C1,C2 untracked"],
      };
      m.expectObservable(inShort(tracker.watchDeviceKeys([BOB, CAROL])), "^ 90s !").toBe(
        "11ms a 18999ms b 20002ms c 29995ms d",
        values,
      );
    }),
  );

  it(
    "finds after a crash that whatever changed at or before the saved token is outdated",
    marbles((m) => {
      const { homeserver, store, tracker, start, inShort } = application(m);
      homeserver.addDevice(BOB, "B1");
      tracker.connect();
      m.acts("-s-------------l-s--c", {
        s: () => homeserver.step(),
        l: () => homeserver.addDevice(BOB, "B2"),
        c: () => store.crash(),
      });
      m.expectObservable(inShort(tracker.getDeviceKeys([BOB])), "--^--").toBe("-----------(b|)", {
        b: ["bob B1 current"],
      });
      const restarted = start(new ScriptedStore({ scheduler: m.scheduler, records: store.records }));
      m.expectObservable(store.records.syncToken$, "          25ms ^").toBe("25ms (t|)", { t: "s2" });
      m.expectObservable(inShort(restarted.getDeviceKeys([BOB])), "25ms ^").toBe("30ms (b|)", {
        b: ["bob B1,B2 current"],
      });
    }),
  );

  it(
    "keeps the saved token behind a change that the crash lost",
    marbles((m) => {
      m.scheduler.maxFrames = 50; // the tracker of the crashed page tries for ever to commit the change
      const { homeserver, store, tracker, start, inShort } = application(m);
      homeserver.addDevice(BOB, "B1");
      tracker.connect();
      m.acts("-s-------------l-sc", {
        s: () => homeserver.step(),
        l: () => homeserver.addDevice(BOB, "B2"),
        c: () => store.crash(),
      });
      m.expectObservable(inShort(tracker.getDeviceKeys([BOB])), "--^--").toBe("-----------(b|)", {
        b: ["bob B1 current"],
      });
      const restarted = start(new ScriptedStore({ scheduler: m.scheduler, records: store.records }));
      // A sync loop goes on from the saved token.
      m.acts("25ms c----a", { c: () => restarted.connect(), a: () => homeserver.step("s1") });
      m.expectObservable(store.records.syncToken$, "          25ms ^").toBe("25ms (t|)", { t: "s1" });
      m.expectObservable(inShort(restarted.getDeviceKeys([BOB])), "31ms ^").toBe("36ms (b|)", {
        b: ["bob B1,B2 current"],
      });
    }),
  );
});

describe("the core", () => {
  it("asks nobody but the scheduler for time", () => {
    const clocks = [
      vi.spyOn(globalThis, "setTimeout"),
      vi.spyOn(globalThis, "setInterval"),
      vi.spyOn(globalThis, "queueMicrotask"),
      vi.spyOn(Date, "now"),
      vi.spyOn(performance, "now"),
    ];
    const calls = () => clocks.map(({ mock }) => mock.calls.length);
    marbles((m) => {
      const before = calls();
      const { homeserver, store, tracker } = application(m);
      homeserver.addDevice(BOB, "B1");
      tracker.connect();
      homeserver.step();
      const everything$ = merge(
        tracker.synced$,
        tracker.getDeviceKeys([BOB]),
        tracker.track([CAROL]),
        tracker.watchDeviceKeys([BOB, CAROL]),
      );
      everything$.pipe(takeUntil(timer(100_000, m.scheduler))).subscribe();
      m.acts("10ms f", { f: () => store.failNext("full", "update") });
      m.acts("20ms s", { s: () => homeserver.step() });
      m.flush();
      expect(m.scheduler.now()).toBe(100_000);
      expect(calls()).toEqual(before);
    })();
  });
});
