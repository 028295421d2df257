import { asyncScheduler, filter, firstValueFrom, lastValueFrom } from "rxjs";
import { afterEach, describe, expect, it } from "vitest";
import { DeviceTracker, StoreClearedError, type TrackerProblem } from "../../src/index.js";
import { levelStore } from "../../src/level/level-store.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { isClosed, useLevelDirectory } from "./level-directory.js";

const paths = useLevelDirectory();
const SOON = { timeout: 5_000, interval: 5 };
const trackers: DeviceTracker[] = [];

afterEach(() => {
  for (const tracker of trackers.splice(0)) tracker.close();
});

function trackerOn(location: string, homeserver: ScriptedHomeserver) {
  const store = levelStore(location);
  const { sync$, keysApi } = homeserver;
  const tracker = new DeviceTracker({ userId: ALICE, sync$, keysApi, store });
  trackers.push(tracker);
  const problems: TrackerProblem[] = [];
  tracker.problems$.subscribe((problem) => problems.push(problem));
  return {
    store,
    tracker,
    problems,
    /** Sends the next step and waits until it is durable. */
    step: async () => {
      const durable = firstValueFrom(tracker.synced$.pipe(filter(({ next_batch }) => next_batch === homeserver.token)));
      homeserver.step();
      await durable;
    },
    lookUp: async (...users: readonly string[]) =>
      Array.from(
        await firstValueFrom(tracker.getDeviceKeys(users)),
        ([user, { freshness, deviceKeys }]) => `${user} ${freshness} ${[...deviceKeys.keys()].join(" ")}`,
      ),
  };
}

describe("a tracker on a levelStore", () => {
  it("finds saved lists after a restart without a query", async () => {
    const homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler });
    const before = trackerOn(paths.location, homeserver);
    before.tracker.connect();
    homeserver.addDevice(BOB, "PHONE");
    homeserver.addDevice(CAROL, "TABLET");
    await before.step();
    await before.lookUp(BOB, CAROL);
    homeserver.addDevice(BOB, "LAPTOP");
    await before.step();
    before.tracker.close();
    await expect.poll(() => isClosed(paths.location), SOON).toBe(true);

    const after = trackerOn(paths.location, homeserver);
    expect(await firstValueFrom(after.store.syncToken$)).toBe(homeserver.token);
    expect(await after.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
    expect(homeserver.queries.map(({ userIds }) => userIds)).toEqual([[BOB, CAROL], [BOB]]);
    expect([...before.problems, ...after.problems]).toEqual([]);
  });

  it("restarts from a snapshot and the log after it", { timeout: 30_000 }, async () => {
    const homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler });
    const before = trackerOn(paths.location, homeserver);
    before.tracker.connect();
    homeserver.addDevice(BOB, "PHONE");
    homeserver.addDevice(CAROL, "TABLET");
    for (let i = 0; i < 260; i++) {
      homeserver.change(CAROL);
      await before.step(); // a transaction for each step
    }
    await before.lookUp(BOB, CAROL);
    const snapshots = async () => (await lastValueFrom(before.store.readKinds(["snapshot"])))[0]?.size;
    await expect.poll(snapshots, SOON).toBe(1);
    before.tracker.close();

    const { length } = homeserver.queries;
    const after = trackerOn(paths.location, homeserver);
    expect(await after.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE`, `${CAROL} current TABLET`]);
    expect(homeserver.queries).toHaveLength(length);
    expect(after.problems).toEqual([]);
  });

  it("follows what another one commits in the same process", async () => {
    const homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler });
    const [leader, follower] = [trackerOn(paths.location, homeserver), trackerOn(paths.location, homeserver)];
    homeserver.addDevice(BOB, "PHONE");
    await follower.lookUp(BOB);
    leader.tracker.connect();
    await leader.step();
    await leader.lookUp(BOB);
    const { length } = homeserver.queries;
    await expect.poll(() => follower.lookUp(BOB), SOON).toEqual([`${BOB} current PHONE`]);
    homeserver.addDevice(BOB, "LAPTOP");
    const changed = firstValueFrom(follower.tracker.deviceChanges$);
    await leader.step();
    expect((await changed).changed).toEqual([BOB]);
    expect(await follower.lookUp(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
    expect(homeserver.queries).toHaveLength(length + 1);
    expect([...leader.problems, ...follower.problems]).toEqual([]);
  });

  it("ends when the store is cleared, and another account may have it", async () => {
    const homeserver = new ScriptedHomeserver({ scheduler: asyncScheduler });
    const { tracker, store, step, lookUp } = trackerOn(paths.location, homeserver);
    tracker.connect();
    await step();
    await lastValueFrom(store.clear());
    homeserver.addDevice(BOB, "PHONE");
    const ended = expect(firstValueFrom(tracker.synced$)).rejects.toThrow(StoreClearedError);
    homeserver.step();
    await ended;
    await expect(lookUp(BOB)).rejects.toThrow(StoreClearedError);
    expect(await firstValueFrom(store.syncToken$)).toBeUndefined();
  });
});
