import { catchError, debounceTime, EMPTY, forkJoin, map, startWith, switchMap, type Observable } from "rxjs";
import type { DeviceId, DeviceTracker, KeyEvent, TrustChain, UserId } from "matrix-device-tracker";
import { nameOf } from "../words/device-name.js";

/** Changes closer together than this are followed by one reading, in ms. */
const TOGETHER = 50;

/** Why a device is trusted as far as it is, and what else the text about it needs. */
export interface Explanation {
  readonly chain: TrustChain;
  /** What became of the user's keys and of our own. */
  readonly history: readonly KeyEvent[];
  readonly ownHistory: readonly KeyEvent[];
  /** The device's display name. */
  readonly name: string;
}

interface Explaining {
  readonly tracker: DeviceTracker;
  readonly ownUserId: UserId;
  /** Emits when a list or a pin may have changed. */
  readonly changes$: Observable<unknown>;
}

/**
 * Why a device is trusted as far as it is, and again after each change.
 */
export function explain(
  { tracker, ownUserId, changes$ }: Explaining,
  userId: UserId,
  deviceId: DeviceId,
): Observable<Explanation> {
  return changes$.pipe(
    debounceTime(TOGETHER),
    startWith(undefined),
    switchMap(() =>
      forkJoin({
        chain: tracker.explain(userId, deviceId),
        history: tracker.keyHistory(userId),
        ownHistory: tracker.keyHistory(ownUserId),
        known: tracker.getKnownDeviceKeys([userId]),
      }).pipe(catchError(() => EMPTY)),
    ),
    map(({ known, ...explanation }) => {
      const device = known.get(userId)?.deviceKeys.get(deviceId);
      return { ...explanation, name: device === undefined ? deviceId : nameOf(deviceId, device) };
    }),
  );
}
