import { concat, forkJoin, ignoreElements, map, merge, mergeMap, NEVER, Observable, of, switchMap, take } from "rxjs";
import { DeviceTracker, recipients, type TrackerActivity } from "matrix-device-tracker";
import { axiosKeysApi, matrixHttp } from "matrix-device-tracker/http";
import { idbStore } from "matrix-device-tracker/idb";
import { hallMembers } from "../session/embedded-homeserver.js";
import type { Place } from "../session/place.js";

/** How far the question has come, or its answer. */
export type HallNews =
  | { readonly type: "progress"; readonly activity: TrackerActivity }
  | { readonly type: "answer"; readonly devices: number; readonly people: number };

/** Who gets a message in the great room. */
export interface Hall {
  /** From the server the first time, from memory or IndexedDB from then on. */
  readonly ask: () => Observable<HallNews>;
}

/** A tracker for the great room alone, so that 5,000 people do not have a lane each in the diagram. */
export function openHall(place: Place): Observable<Hall> {
  return new Observable((subscriber) => {
    const { userId, deviceId } = place;
    const http = matrixHttp(place);
    const store = idbStore(`hall/${userId}/${deviceId}`);
    // Nobody there changes anything: the page has one sync loop, which is about the people in the diagram.
    const sync$ = concat(of({ since: null, next_batch: "hall" }), NEVER);
    const tracker = new DeviceTracker({ userId, store, sync$, keysApi: axiosKeysApi(http) });
    const members$ = forkJoin([hallMembers(place), tracker.caughtUp$.pipe(take(1))]).pipe(map(([members]) => members));
    const tracked$ = members$.pipe(
      switchMap((members) => merge(tracker.track(members).pipe(ignoreElements()), [members])),
    );
    const ask = (): Observable<HallNews> => {
      const answer$ = tracked$.pipe(
        mergeMap((members) => tracker.getDeviceKeys(members)),
        map((lists): HallNews => {
          const { devices } = recipients(lists);
          return { type: "answer", devices: devices.length, people: lists.size };
        }),
      );
      const progress$ = tracker.activity$.pipe(map((activity): HallNews => ({ type: "progress", activity })));
      return merge(answer$, progress$);
    };
    subscriber.next({ ask });
    const connection = tracker.connect();
    return () => {
      connection.unsubscribe();
      tracker.close();
    };
  });
}
