import { asyncScheduler, firstValueFrom, Subject } from "rxjs";
import { expect, it } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import { DeviceTracker, type SyncResponse } from "../../src/index.js";
import { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { ALICE } from "./tracker-on.js";

const USERS = Array.from({ length: 100_000 }, (_, i) => `@user${i}:example.org`);

/** A tracker on this database, given responses by hand. */
function trackerOn(database: string) {
  const { keysApi } = new ScriptedHomeserver({ scheduler: asyncScheduler });
  const sync$ = new Subject<SyncResponse>();
  const tracker = new DeviceTracker({ userId: ALICE, sync$, keysApi, store: idbStore(database) });
  const problems: unknown[] = [];
  tracker.problems$.subscribe((problem) => problems.push(problem));
  return { tracker, sync$, problems };
}

it("a step of 100,000 users is durable in IndexedDB, and is read again", { timeout: 60_000 }, async () => {
  const database = crypto.randomUUID();
  const { tracker, sync$, problems } = trackerOn(database);
  tracker.connect();
  const first = firstValueFrom(tracker.synced$);
  sync$.next({ since: null, next_batch: "s1" });
  await first;
  const second = firstValueFrom(tracker.synced$);
  sync$.next({ since: "s1", next_batch: "s2", device_lists: { changed: USERS } });
  expect((await second).next_batch).toBe("s2");
  tracker.close();

  const again = trackerOn(database);
  const tracked = await firstValueFrom(again.tracker.trackedUsers$);
  expect(tracked.size).toBe(100_001);
  expect([...problems, ...again.problems]).toEqual([]);
  again.tracker.close();
});
