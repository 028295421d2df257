import { RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import { BehaviorSubject, EMPTY, NEVER, Observable, of, Subject, throwError } from "rxjs";
import { expect, it, vi } from "vitest";
import { TrackerClosedError } from "../../src/model/errors.js";
import type { DeviceChanges, DeviceKeysByUser, Freshness, UserDeviceKeys } from "../../src/model/results.js";
import type { DeviceUpdate } from "../../src/model/updates.js";
import { KEYS_QUERY } from "../../src/olm-machine/lists-to-give.js";
import { serveKeyQueries } from "../../src/olm-machine/serve-key-queries.js";
import type { RefusedDevices } from "../../src/olm-machine/to-response.js";
import { ManualTime } from "../support/manual-time.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { settled } from "./settled.js";

class NamedId {
  constructor(readonly name: string) {}
}

/** A machine that asks for each of these users in a request of its own until it is answered, and what serves it. */
function serving(...userIds: readonly string[]) {
  const asked = new Set(userIds);
  /** Users of each answer. */
  const given: string[][] = [];
  let answered: (() => void)[] = [];
  let isSlow = false;
  let isForgetful = false;
  let isRefusing = false;
  const machine = {
    userId: new NamedId(ALICE),
    updateTrackedUsers: () => Promise.resolve(),
    outgoingRequests: () =>
      Promise.resolve(
        Array.from(asked, (userId) => ({
          id: userId,
          type: KEYS_QUERY,
          body: JSON.stringify({ device_keys: { [userId]: [] } }),
        })),
      ),
    markRequestAsSent: async (id: string, _type: number, response: string) => {
      const users = Object.keys((JSON.parse(response) as { device_keys: object }).device_keys);
      if (isRefusing && users.length > 0) throw new Error("it cannot be read");
      given.push(users);
      if (isSlow) await new Promise<void>((resolve) => answered.push(resolve));
      if (users.includes(id) && !isForgetful) asked.delete(id);
    },
  };
  const lookups: string[][] = [];
  const freshness = new Map<string, Freshness>();
  const list = { deviceKeys: new Map(), rejected: new Map() };
  const deviceChanges$ = new Subject<DeviceChanges>();
  const tracker = {
    trackedUsers$: new BehaviorSubject<ReadonlySet<string>>(new Set(userIds)),
    deviceChanges$,
    deviceUpdates$: new Subject<DeviceUpdate>(),
    caughtUp$: new Subject<void>(),
    applied$: NEVER,
    getDeviceKeys: (users: Iterable<string>): Observable<DeviceKeysByUser> => {
      lookups.push([...users]);
      const answer = (userId: string) =>
        ({ ...list, freshness: freshness.get(userId) ?? "current" }) as unknown as UserDeviceKeys;
      return of(new Map(Array.from(users, (userId): [string, UserDeviceKeys] => [userId, answer(userId)])));
    },
    getKnownDeviceKeys: (): Observable<DeviceKeysByUser> => of(new Map()),
    keyHistory: () => of([]),
    track: () => EMPTY,
  };
  const time = new ManualTime();
  const served: unknown[] = [];
  const subscription = serveKeyQueries(machine, tracker, { scheduler: time }).subscribe({
    next: (one) => served.push(one),
    error: (error: unknown) => served.push(error),
    complete: () => served.push("complete"),
  });
  return {
    machine,
    tracker,
    given,
    lookups,
    freshness,
    deviceChanges$,
    served,
    time,
    subscription,
    /** From now on, the machine takes its time. */
    slowDown: () => {
      isSlow = true;
    },
    /** From now on, the machine asks again for what it was given. */
    forgetAll: () => {
      isForgetful = true;
    },
    /** From now on, the machine refuses each list, or none. */
    refuse: (refuses: boolean) => {
      isRefusing = refuses;
    },
    /** The machine has taken what it was given. */
    take: async () => {
      for (const take of answered.splice(0)) take();
      answered = [];
      await settled();
    },
  };
}

it("never gives a superseded list, and waits after three of them", async () => {
  const { given, lookups, freshness, served, time } = serving(BOB);
  freshness.set(BOB, "superseded");
  await settled();
  expect(lookups).toEqual([[BOB], [BOB], [BOB]]);
  expect(given).toEqual([]);
  expect(served).toEqual([{ type: "failed", userIds: [BOB], retryIn: 2_000 }]);
  freshness.clear();
  time.advance(2_000);
  await settled();
  expect(given).toEqual([[BOB]]);
});

it("does not give a list that changes while the machine takes another one", async () => {
  const { given, lookups, deviceChanges$, slowDown, take } = serving(BOB, CAROL);
  slowDown();
  await settled();
  expect(given).toEqual([[BOB]]);
  deviceChanges$.next({ changed: [CAROL], left: [] });
  await take();
  expect(lookups).toEqual([[BOB], [CAROL], [CAROL]]);
  expect(given).toEqual([[BOB], [CAROL]]);
});

it("waits if the machine goes on asking for what it was given", async () => {
  const { given, served, forgetAll } = serving(BOB);
  forgetAll();
  await settled();
  expect(given).toEqual([[BOB], [BOB], [BOB]]);
  expect(served.at(-1)).toEqual({ type: "failed", userIds: [BOB], retryIn: 2_000 });
});

it("gives an empty list for a user that no server can have", async () => {
  const { given, freshness } = serving("nobody");
  freshness.set("nobody", "untracked");
  await settled();
  expect(given).toEqual([["nobody"]]);
});

it("completes if the tracker is closed while known lists are read after a failure", async () => {
  const { tracker, served } = serving(BOB);
  tracker.getDeviceKeys = () => throwError(() => new Error("connection refused"));
  tracker.getKnownDeviceKeys = () =>
    new Observable((subscriber) => {
      subscriber.error(new TrackerClosedError()); // first what is pending, then the streams
      tracker.deviceUpdates$.complete();
    });
  await settled();
  expect(served).toEqual(["complete"]);
});

it("looks up a user again whose list the machine refuses, though it does not ask", async () => {
  const { tracker, given, lookups, served, time, refuse } = serving(BOB);
  await settled();
  refuse(true);
  tracker.deviceUpdates$.next({ userId: BOB } as DeviceUpdate);
  await settled();
  expect(lookups).toEqual([[BOB], [BOB]]);
  expect(served.at(-1)).toEqual({ type: "failed", userIds: [BOB], error: expect.any(Error) as Error, retryIn: 2_000 });
  time.advance(2_000);
  await settled();
  expect(served.at(-1)).toMatchObject({ type: "failed", retryIn: 4_000 });
  refuse(false);
  time.advance(4_000);
  await settled();
  expect(lookups).toHaveLength(4);
  expect(given.at(-1)).toEqual([BOB]);
  expect(served.at(-1)).toEqual({ type: "given", userIds: [BOB] });
});

it("looks up at most four requests at a time", async () => {
  const { tracker } = serving(...crowd(6));
  const lookups: unknown[] = [];
  tracker.getDeviceKeys = (users) => {
    lookups.push([...users]);
    return NEVER;
  };
  await settled();
  expect(lookups).toEqual(crowd(4).map((userId) => [userId]));
});

it("gives the lists of many users that the machine does not ask for in parts", async () => {
  const { tracker, given } = serving();
  tracker.trackedUsers$.next(new Set(crowd(600)));
  await settled();
  expect(given.map(({ length }) => length)).toEqual([250, 250, 100]);
});

it("leaves the machine's other requests to the application", async () => {
  const { machine, tracker, lookups, given } = serving();
  const body = JSON.stringify({ device_keys: { [BOB]: [] } }); // those of our own device are called the same
  const asking = vi.fn(() => Promise.resolve([{ id: "upload", type: RequestType.KeysUpload, body }]));
  machine.outgoingRequests = asking;
  tracker.caughtUp$.next();
  await settled();
  expect(asking).toHaveBeenCalled();
  expect([lookups, given]).toEqual([[], []]);
});

it("gives a list that changes while the machine takes the one before it", async () => {
  const { tracker, given, slowDown, take } = serving(BOB);
  slowDown();
  await settled();
  tracker.deviceUpdates$.next({ userId: BOB } as DeviceUpdate);
  await take();
  expect(given).toEqual([[BOB], [BOB]]);
});

it("does nothing before the tracker has loaded the tracked users", async () => {
  const { machine, tracker, subscription } = serving(BOB);
  subscription.unsubscribe();
  await settled();
  const asking = vi.spyOn(machine, "outgoingRequests");
  const trackedUsers$ = new Subject<ReadonlySet<string>>();
  const again = serveKeyQueries(machine, { ...tracker, trackedUsers$ }).subscribe();
  tracker.caughtUp$.next();
  await settled();
  expect(asking).not.toHaveBeenCalled();
  trackedUsers$.next(new Set([BOB]));
  await settled();
  expect(asking).toHaveBeenCalled();
  again.unsubscribe();
});

it("looks up again at once when a connection has caught up, in a silent tab, too", async () => {
  const { tracker, given } = serving(BOB);
  const { getDeviceKeys } = tracker;
  tracker.getDeviceKeys = () => throwError(() => new Error("connection refused"));
  await settled();
  tracker.getDeviceKeys = getDeviceKeys;
  expect(given).toEqual([]);
  tracker.caughtUp$.next();
  await settled();
  expect(given).toEqual([[BOB]]);
});

it("looks up a user at once who left and came back, however often they were announced before", async () => {
  const { tracker, lookups, deviceChanges$ } = serving(BOB);
  const announce = async (changes: Partial<DeviceChanges>) => {
    deviceChanges$.next({ changed: [], left: [], ...changes });
    await settled();
  };
  await settled();
  for (let i = 0; i < 3; i++) await announce({ changed: [BOB] });
  expect(lookups).toHaveLength(3); // after as many answers that changed nothing, the last announcement waits
  tracker.trackedUsers$.next(new Set());
  await announce({ left: [BOB] });
  tracker.trackedUsers$.next(new Set([BOB]));
  await settled();
  expect(lookups).toHaveLength(4);
});

it.each<[RefusedDevices, object]>([
  ["omit", {}],
  ["as-before", { PHONE: { device_id: "PHONE" } }],
])("gives a refused device according to refusedDevices: %s", async (refusedDevices, devices) => {
  const { machine, tracker, subscription } = serving(BOB);
  subscription.unsubscribe();
  await settled();
  const list = { deviceKeys: new Map([["PHONE", { device_id: "PHONE" }]]), rejected: new Map([["PHONE", {}]]) };
  tracker.getDeviceKeys = () => of(new Map([[BOB, { ...list, freshness: "current" } as unknown as UserDeviceKeys]]));
  const marked = vi.spyOn(machine, "markRequestAsSent");
  const again = serveKeyQueries(machine, tracker, { refusedDevices }).subscribe();
  await settled();
  expect(JSON.parse(marked.mock.calls[0]?.[2] ?? "")).toHaveProperty("device_keys", { [BOB]: devices });
  again.unsubscribe();
});
