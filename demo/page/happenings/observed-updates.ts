import { catchError, concatMap, EMPTY, ignoreElements, map, merge, mergeMap, Observable, of, tap } from "rxjs";
import type { DeviceTracker, DeviceUpdate, UserId } from "matrix-device-tracker";
import { nameOf } from "../words/device-name.js";
import type { DeviceNames } from "../words/update-words.js";
import type { Note } from "./happening.js";
import { openTabTalk, type TabTalk } from "./tab-talk.js";

/** What a tab tells the others of what it learned: the tracker tells an update only in the tab whose query it was. */
type UpdateMessage =
  | { readonly type: "updated"; readonly update: DeviceUpdate; readonly names: DeviceNames }
  | { readonly type: "acknowledged"; readonly userId: UserId };

export interface ObservedUpdates {
  /** Acknowledges a changed identity, and tells the other tabs. Completes when it is durable. */
  readonly acknowledge: (userId: UserId, masterKey: string) => Observable<never>;
}

export interface UpdatesContext {
  /** What the tabs share under. */
  readonly name: string;
  readonly users: readonly UserId[];
  /** What is to be done where another tab has acknowledged this user's identity. */
  readonly acknowledgedElsewhere: (userId: UserId) => Observable<unknown>;
}

/** Notes what the answers changed and which identities were acknowledged, here or in another tab, for as long as there is a subscriber. */
export function observedUpdates(
  tracker: DeviceTracker,
  { name, users, acknowledgedElsewhere }: UpdatesContext,
  note: Note,
): Observable<ObservedUpdates> {
  return new Observable((subscriber) => {
    const talk: TabTalk<UpdateMessage> = openTabTalk(`${name}/updates`);
    /** What devices were called: of one that is gone, an update has the ID alone. */
    const former = new Map<UserId, DeviceNames>();
    const here$ = tracker.deviceUpdates$.pipe(
      concatMap((update) =>
        namesOf(tracker, [update.userId]).pipe(
          map((now) => {
            const names = new Map(now.get(update.userId));
            for (const id of update.removed) names.set(id, former.get(update.userId)?.get(id) ?? id);
            former.set(update.userId, new Map([...(former.get(update.userId) ?? []), ...names]));
            return { type: "updated", update, names } as const;
          }),
        ),
      ),
      tap(({ update, names }) => {
        note({ type: "updated", heard: false, update, names });
        talk.say({ type: "updated", update, names });
      }),
    );
    const elsewhere$ = talk.messages$.pipe(
      mergeMap((message) => {
        note({ ...message, heard: true });
        return message.type === "acknowledged" ? acknowledgedElsewhere(message.userId) : EMPTY;
      }),
    );
    const remembered$ = namesOf(tracker, users).pipe(
      tap((saved) => saved.forEach((names, userId) => former.set(userId, names))),
    );
    const noted = merge(remembered$, here$, elsewhere$).subscribe({
      error: (error: unknown) => subscriber.error(error),
    });
    subscriber.next({
      acknowledge: (userId, masterKey) =>
        tracker.acknowledgeIdentity(userId, masterKey).pipe(
          tap({
            complete: () => {
              note({ type: "acknowledged", userId, heard: false });
              talk.say({ type: "acknowledged", userId });
            },
          }),
          ignoreElements(),
        ),
    });
    return () => {
      noted.unsubscribe();
      talk.close();
    };
  });
}

/** What people's devices are called by what is saved, so that an update can be told in words. */
function namesOf(tracker: DeviceTracker, users: readonly UserId[]): Observable<ReadonlyMap<UserId, DeviceNames>> {
  return tracker.getKnownDeviceKeys(users).pipe(
    map(
      (known) =>
        new Map(
          Array.from(known, ([userId, { deviceKeys }]) => [
            userId,
            new Map(Array.from(deviceKeys, ([id, device]) => [id, nameOf(id, device)])),
          ]),
        ),
    ),
    catchError(() => of(new Map<UserId, DeviceNames>())),
  );
}
