import { defer, of, throwError, type Observable } from "rxjs";
import { expect, it } from "vitest";
import { MAX_RECORDS_PER_TRANSACTION } from "../../src/model/batch-sizes.js";
import type { UserId } from "../../src/model/ids.js";
import type { DeviceKeys, KeysQueryResponse } from "../../src/model/wire.js";
import type { DeviceStore, RecordKey, Update } from "../../src/store/device-store.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { listKey } from "../../src/store/records.js";
import { marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { trackerIn } from "../support/tracker-in.js";
import { BOB, crowd } from "../support/users.js";
import { answer } from "../support/wire.js";

/** As many devices as a user may have, each with its own keys. */
function devices(userId: UserId): Record<string, DeviceKeys> {
  const keyOf = (name: string) => `${name.replaceAll(/[^a-z0-9]/gu, "").padEnd(42, "x")}A`;
  const device = (deviceId: string): DeviceKeys => ({
    user_id: userId,
    device_id: deviceId,
    algorithms: [],
    keys: {
      [`ed25519:${deviceId}`]: keyOf(`ed${userId}${deviceId}`),
      [`curve25519:${deviceId}`]: keyOf(`curve${userId}${deviceId}`),
    },
  });
  return Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`d${i}`, device(`d${i}`)]));
}

it(
  "users with thousands of devices do not keep the lists of others from being saved",
  marbles((m) => {
    const records = memoryStore();
    /** Fails if a transaction touches more records than a slow disk writes in time. */
    const update = <T>(keys: readonly RecordKey[], change: (read: readonly unknown[]) => Update<T>): Observable<T> =>
      defer(() =>
        keys.length > MAX_RECORDS_PER_TRANSACTION + 1
          ? throwError(() => new Error("it took too long"))
          : records.update(keys, change),
      );
    const store: DeviceStore = { ...records, update };
    const hostile = crowd(3);
    const given: KeysQueryResponse = {
      device_keys: {
        ...answer({ [BOB]: ["B1"] }).device_keys,
        ...Object.fromEntries(hostile.map((userId) => [userId, devices(userId)])),
      },
    };
    const { lookup, problems } = trackerIn(m, { store, tracking: [BOB, ...hostile], answers: [of(given)] });
    lookup([BOB, ...hostile]).subscribe();
    m.afterwards(() => {
      expect(problems).toEqual([]);
      for (const userId of [BOB, ...hostile]) expect(saved(records, listKey(userId))).toBeDefined();
    });
  }),
);
