import type { Observable } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { DeviceChanges, DeviceKeysByUser } from "../model/results.js";
import type { DeviceUpdate } from "../model/updates.js";

/** The part of a `DeviceTracker` that serves an engine. */
export interface ServingTracker {
  readonly trackedUsers$: Observable<ReadonlySet<UserId>>;
  readonly deviceChanges$: Observable<DeviceChanges>;
  readonly deviceUpdates$: Observable<DeviceUpdate>;
  readonly caughtUp$: Observable<void>;
  readonly applied$: Observable<unknown>;
  getDeviceKeys(userIds: Iterable<UserId>): Observable<DeviceKeysByUser>;
  getKnownDeviceKeys(userIds: Iterable<UserId>): Observable<DeviceKeysByUser>;
  keyHistory(userId: UserId): Observable<readonly unknown[]>;
  track(userIds: Iterable<UserId>): Observable<void>;
}
