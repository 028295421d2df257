import { delay, of, switchMap } from "rxjs";
import { expect, it } from "vitest";
import { DeviceLists } from "../../src/lists/device-lists.js";
import { ListMemory } from "../../src/lists/list-memory.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { listKey, OWNER } from "../../src/store/records.js";
import { Revision } from "../../src/store/revision.js";
import { WriteQueue } from "../../src/store/write-queue.js";
import { Emissions } from "../../src/tracker/emission-queue.js";
import { TrackedUsers } from "../../src/sync/tracked-users.js";
import { trackerIn } from "../support/tracker-in.js";
import { marbles } from "../support/marbles.js";
import { saved, put } from "../support/saved.js";
import { ALICE, BOB } from "../support/users.js";
import { answer } from "../support/wire.js";

it(
  "takes a list for what it is that was read while its user changed, and was fetched and saved meanwhile",
  marbles((m) => {
    const records = memoryStore();
    const { lookup } = trackerIn(m, { store: records, tracking: [BOB], answers: [of(answer({ [BOB]: ["B1"] }))] });
    lookup([BOB]).subscribe();
    const fetched = saved(records, listKey(BOB)) as { readonly revision: number; readonly list: unknown };
    const [then, now] = [new Revision(fetched.revision), new Revision(fetched.revision + 1)];

    const store: DeviceStore = {
      ...records,
      read: (keys) =>
        of(0).pipe(
          delay(5, m.scheduler),
          switchMap(() => records.read(keys)),
        ),
    };
    const tracked = new TrackedUsers(ALICE, new Emissions(), { supersede: () => {}, sendWaiting: () => {} });
    tracked.loaded("s1", new Map([[BOB, { revision: then, outdated: false }]]));
    const writes = new WriteQueue(store, saved(records, OWNER) as never, m.scheduler, {
      commitFailed: () => {},
      cleared: () => {},
      together: (action) => {
        action();
      },
    });
    const memory = new ListMemory(ALICE, tracked, 10, undefined);
    const lists = new DeviceLists({
      memory,
      store,
      writes,
      tracked,
      refusesUnsigned: false,
      scheduler: m.scheduler,
      report: () => {},
    });

    let answers: Revision | undefined;
    lists.read(new Map([[BOB, then]])).subscribe((found) => (answers = found.get(BOB)?.revision));
    tracked.step({ token: "s2", changed: [BOB], left: [], everyone: false, revision: now }, []);
    put(records, [listKey(BOB), { ...fetched, revision: fetched.revision + 1 }]);
    m.flush();
    expect(answers).toBe(now);
    expect(memory.cached(BOB, now)).toBeDefined();
  }),
);
