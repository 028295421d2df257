import { concatMap, from, map, merge, mergeMap, type Observable } from "rxjs";
import type { DeviceKeysByUser, DeviceTracker, DeviceUpdate } from "matrix-device-tracker";
import { eventsIn, type DeviceEvent } from "./device-events.js";

/**
 * Emits the changes in a tracker's lists.
 * @param first the lists at the start: some may have been superseded, and so are not saved
 */
export function eventsOf(tracker: DeviceTracker, first: DeviceKeysByUser): Observable<DeviceEvent> {
  const unsaved = new Map(Array.from(first).filter(([, { freshness }]) => freshness !== "current"));
  const updated = (update: DeviceUpdate) => {
    const { userId } = update;
    const before = unsaved.get(userId)?.deviceKeys;
    unsaved.delete(userId);
    const added = update.added.filter((deviceId) => before?.has(deviceId) !== true);
    return tracker
      .getKnownDeviceKeys([userId])
      .pipe(mergeMap((lists) => eventsIn({ ...update, added }, lists.get(userId))));
  };
  return merge(
    tracker.deviceUpdates$.pipe(concatMap(updated)),
    tracker.deviceChanges$.pipe(
      mergeMap(({ left }) => from(left)),
      map((userId): DeviceEvent => ({ type: "left", userId })),
    ),
  );
}
