import { asyncScheduler, filter, firstValueFrom } from "rxjs";
import { expect } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import { DeviceTracker, type TrackerProblem } from "../../src/index.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";

export const ALICE = "@alice:example.org";
export const BOB = "@bob:example.org";
export const CAROL = "@carol:example.org";

/** A tracker on the real IndexedDB, connected, and all that it says. */
export function attackedTracker(database: string, homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler })) {
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
    types: () => problems.map(({ type }) => type),
    durable,
    connection,
    /** The next step, once it is durable. */
    step: async () => {
      const saved = firstValueFrom(tracker.synced$.pipe(filter(({ next_batch }) => next_batch === homeserver.token)));
      homeserver.step();
      await saved;
    },
    ask: async (...users: readonly string[]) =>
      Array.from(
        await firstValueFrom(tracker.getDeviceKeys(users)),
        ([user, { freshness, deviceKeys }]) => `${user} ${freshness} ${[...deviceKeys.keys()].join(" ")}`,
      ),
    tellsOf: (type: TrackerProblem["type"]) =>
      expect.poll(() => problems.map((problem) => problem.type), { timeout: 10_000 }).toContain(type),
  };
}

/** One with Bob's phone and Carol's tablet fetched and saved. */
export async function settledTracker(database: string) {
  const settled = attackedTracker(database);
  settled.homeserver.addDevice(BOB, "PHONE");
  settled.homeserver.addDevice(CAROL, "TABLET");
  await settled.step();
  expect(await settled.ask(BOB, CAROL)).toEqual([`${BOB} current PHONE`, `${CAROL} current TABLET`]);
  return settled;
}
