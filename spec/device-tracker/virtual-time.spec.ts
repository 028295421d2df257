import { map, merge, Subject, switchMap, takeUntil, timer, type Observable } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { DeviceKeysByUser } from "../../src/model/results.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { summary } from "../support/summary.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

/** An application over a homeserver that takes 5 ms to answer and a store that takes 2 ms for each operation. Its initial sync was on an earlier page. */
function application({ scheduler }: Marbles) {
  const homeserver = new ScriptedHomeserver({ scheduler, answerAfter: 5 });
  const { sync$, keysApi } = homeserver;
  const open = (store: ScriptedStore) => new DeviceTracker({ userId: ALICE, sync$, keysApi, store, scheduler });
  const earlier = new ScriptedStore({ scheduler });
  const earlierPage = open(earlier);
  earlierPage.connect();
  homeserver.step(null);
  earlierPage.close();
  const store = new ScriptedStore({ scheduler, takes: 2, records: earlier.records });
  return { homeserver, store, tracker: open(store), open };
}

const inShort = (results$: Observable<DeviceKeysByUser>) => results$.pipe(map(summary));

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an application's use of the tracker in marbles", () => {
  it(
    "sends to every device that was announced before the message",
    marbles((m) => {
      const { homeserver, tracker } = application(m);
      homeserver.addDevice(BOB, "PHONE");
      tracker.connect();
      const send$ = new Subject<void>();
      m.acts("-s------m----------ls---m----------m", {
        s: () => homeserver.step(),
        l: () => homeserver.addDevice(BOB, "LAPTOP"),
        m: () => send$.next(),
      });
      const sent$ = send$.pipe(switchMap(() => inShort(tracker.getDeviceKeys([BOB]))));
      // Each query takes 5 ms and the saving of its answer 2 ms; the last message is sent from the cache.
      m.expectObservable(sent$).toBe("---------------a---------------b---b", {
        a: ["bob PHONE current"],
        b: ["bob PHONE,LAPTOP current"],
      });
      m.afterwards(() => {
        expect(homeserver.queries.map(({ sentAt, answeredAt }) => [sentAt, answeredAt])).toEqual([
          [8, 13],
          [24, 29],
        ]);
      });
    }),
  );

  it(
    "shows the devices of a room live",
    marbles((m) => {
      const { homeserver, tracker } = application(m);
      homeserver.addDevice(BOB, "B1");
      homeserver.addDevice(CAROL, "C1");
      tracker.connect();
      m.acts("-s 19s l-s 20s r-s 30s v-s", {
        s: () => homeserver.step(),
        l: () => homeserver.addDevice(CAROL, "C2"),
        r: () => homeserver.removeDevice(BOB, "B1"),
        v: () => homeserver.leave(CAROL),
      });
      const room$ = inShort(tracker.watchDeviceKeys([BOB, CAROL]));
      const shown: unknown[] = [];
      room$.pipe(takeUntil(timer(90_000, m.scheduler))).subscribe((users) => shown.push(users));
      m.afterwards(() => {
        expect(shown).toEqual([
          ["bob B1 current", "carol C1 current"],
          ["bob B1 current", "carol C1 superseded"],
          ["bob B1 current", "carol C1,C2 current"],
          ["bob B1 superseded", "carol C1,C2 current"],
          ["bob - current", "carol C1,C2 current"],
          ["bob - current", "carol C1,C2 untracked"],
        ]);
      });
    }),
  );

  it(
    "finds a user outdated after a crash who changed at or before the saved token",
    marbles((m) => {
      const { homeserver, store, tracker, open } = application(m);
      homeserver.addDevice(BOB, "B1");
      tracker.connect();
      m.acts("-s-------------l-s--c", {
        s: () => homeserver.step(),
        l: () => homeserver.addDevice(BOB, "B2"),
        c: () => store.crash(),
      });
      m.expectObservable(inShort(tracker.getDeviceKeys([BOB])), "--^").toBe("-----------(b|)", {
        b: ["bob B1 current"],
      });
      const next = open(new ScriptedStore({ scheduler: m.scheduler, records: store.records }));
      m.expectObservable(store.records.syncToken$, "          25ms ^").toBe("25ms (t|)", { t: "s2" });
      m.expectObservable(inShort(next.getDeviceKeys([BOB])), "25ms ^").toBe("30ms (b|)", { b: ["bob B1,B2 current"] });
    }),
  );

  it(
    "keeps the saved token before a change that the crash lost",
    marbles((m) => {
      m.scheduler.maxFrames = 50; // the tracker of the crashed page retries its commit forever
      const { homeserver, store, tracker, open } = application(m);
      homeserver.addDevice(BOB, "B1");
      tracker.connect();
      m.acts("-s-------------l-sc", {
        s: () => homeserver.step(),
        l: () => homeserver.addDevice(BOB, "B2"),
        c: () => store.crash(),
      });
      m.expectObservable(inShort(tracker.getDeviceKeys([BOB])), "--^").toBe("-----------(b|)", {
        b: ["bob B1 current"],
      });
      const next = open(new ScriptedStore({ scheduler: m.scheduler, records: store.records }));
      m.acts("25ms c----s", { c: () => next.connect(), s: () => homeserver.step("s1") }); // from the saved token
      m.expectObservable(store.records.syncToken$, "          25ms ^").toBe("25ms (t|)", { t: "s1" });
      m.expectObservable(inShort(next.getDeviceKeys([BOB])), "31ms ^").toBe("36ms (b|)", { b: ["bob B1,B2 current"] });
    }),
  );
});

describe("the core", () => {
  it("uses no clock and no timer but the scheduler's", () => {
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
      m.acts("30ms w", { w: () => store.wake() });
      m.acts("90s  c", { c: () => tracker.close() });
      m.flush();
      expect(m.scheduler.now()).toBe(90_000); // nothing is left after close()
      expect(calls()).toEqual(before);
    })();
  });
});
