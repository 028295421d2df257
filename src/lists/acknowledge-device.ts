import { defer, ignoreElements, tap, type Observable } from "rxjs";
import type { DeviceId, UserId } from "../model/ids.js";
import type { Chain } from "../store/chain.js";
import { listKey } from "../store/records.js";
import type { SavedRecords } from "../store/saved-records.js";
import { repin, type Pins } from "../trust/pins.js";
import { listRecordIn, type ListRecord } from "./list-record.js";
import type { ListMemory } from "./list-memory.js";

/** What is acknowledged: this ed25519 key of this device. */
export interface DeviceToAcknowledge {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly ed25519Key: string;
}

/**
 * Pins an ed25519 key instead of the one first seen of a device, in the store and in memory. Completes when that is
 * durable. The saved list keeps the device as it was: the next answer is compared with the new pin.
 */
export function acknowledgeDevice(device: DeviceToAcknowledge, chain: Chain, memory: ListMemory): Observable<never> {
  const { userId } = device;
  return defer(() =>
    chain.write({
      keys: [listKey(userId)],
      prepare: () => (records) => ({
        result: pinSaved(records, device),
        announce: [{ type: "acknowledged", userId }],
      }),
    }),
  ).pipe(
    tap((pins) => {
      const cached = memory.last(userId);
      if (cached !== undefined) memory.replace(userId, cached.list, cached.revision, { ...cached.beside, pins });
    }),
    ignoreElements(),
  );
}

/** @returns the user's pins */
function pinSaved(records: SavedRecords, { userId, deviceId, ed25519Key }: DeviceToAcknowledge): Pins {
  const key = listKey(userId);
  const { pins: before, saved } = listRecordIn(records, userId);
  const pins = repin(before, deviceId, ed25519Key);
  records.set(key, { pins, ...(saved !== undefined && { saved }) } satisfies ListRecord);
  return pins;
}
