import { Observable } from "rxjs";
import type { DeviceKeysByUser, DeviceTracker, UserId } from "matrix-device-tracker";
import type { Note } from "./tracker-event.js";
import { messageOf } from "../words/message-of.js";

export type LookUp = (users: readonly UserId[], options?: { forceDownload?: boolean }) => Observable<DeviceKeysByUser>;

/** `getDeviceKeys`, with the start and the end of each subscription recorded. */
export function observedCalls(tracker: DeviceTracker, note: Note): LookUp {
  let calls = 0;
  return (users, options = {}) =>
    new Observable((subscriber) => {
      const call = ++calls;
      let ended = false;
      note({ type: "call-started", call, users, forced: options.forceDownload === true });
      const looking = tracker.getDeviceKeys(users, options).subscribe({
        next: (result) => {
          ended = true;
          note({ type: "call-answered", call, result });
          subscriber.next(result);
        },
        error: (error: unknown) => {
          ended = true;
          note({ type: "call-failed", call, message: messageOf(error) });
          subscriber.error(error);
        },
        complete: () => subscriber.complete(),
      });
      return () => {
        if (!ended) note({ type: "call-unsubscribed", call }); // before the request that this aborts
        looking.unsubscribe();
      };
    });
}
