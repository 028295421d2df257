import { asyncScheduler, filter, firstValueFrom } from "rxjs";
import { expect } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import { DeviceTracker, type TrackerProblem } from "../../src/index.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";

export const ALICE = "@alice:example.org";
export const BOB = "@bob:example.org";
export const CAROL = "@carol:example.org";

/** A connected tracker on a real IndexedDB, and what it reported and called durable. */
export function trackerOn(database: string, homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler })) {
  const store = idbStore(database);
  const tracker = new DeviceTracker({
    userId: ALICE,
    sync$: homeserver.sync$,
    keysApi: homeserver.keysApi,
    store,
    queryDeadline: 5_000,
  });
  const problems: TrackerProblem[] = [];
  const durable: unknown[] = [];
  tracker.problems$.subscribe((problem) => problems.push(problem));
  tracker.synced$.subscribe({
    next: ({ next_batch }) => durable.push(next_batch),
    error: (error: unknown) => durable.push(error),
  });
  const connection = tracker.connect();
  return {
    store,
    tracker,
    homeserver,
    problems,
    durable,
    connection,
    problemTypes: () => problems.map(({ type }) => type),
    reports: (type: TrackerProblem["type"]) =>
      expect.poll(() => problems.map((problem) => problem.type), { timeout: 10_000 }).toContain(type),
    /** Sends the next step and waits until it is durable. */
    step: async () => {
      const saved = firstValueFrom(tracker.synced$.pipe(filter(({ next_batch }) => next_batch === homeserver.token)));
      homeserver.step();
      await saved;
    },
    track: (...users: readonly string[]) => firstValueFrom(tracker.track(users), { defaultValue: undefined }),
    /** Each user's freshness and devices. */
    lookUp: async (...users: readonly string[]) =>
      Array.from(
        await firstValueFrom(tracker.getDeviceKeys(users)),
        ([user, { freshness, deviceKeys }]) => `${user} ${freshness} ${[...deviceKeys.keys()].join(" ")}`,
      ),
  };
}

/** A tracker that has fetched and saved Bob's phone and Carol's tablet, and stands on `s2`. */
export async function settledTracker(database: string) {
  const settled = trackerOn(database);
  settled.homeserver.addDevice(BOB, "PHONE");
  settled.homeserver.addDevice(CAROL, "TABLET");
  await settled.step();
  expect(await settled.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE`, `${CAROL} current TABLET`]);
  return settled;
}
