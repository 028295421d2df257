import {
  BehaviorSubject,
  catchError,
  concat,
  delayWhen,
  EMPTY,
  filter,
  ignoreElements,
  map,
  merge,
  mergeMap,
  Observable,
  of,
  Subject,
  Subscription,
  switchMap,
  take,
  tap,
  timer,
} from "rxjs";
import { DeviceTracker, type DeviceKeysByUser, type UserId } from "matrix-device-tracker";
import { axiosKeysApi, matrixHttp, syncResponses } from "matrix-device-tracker/http";
import { idbStore } from "matrix-device-tracker/idb";
import { shareAcrossTabs } from "matrix-device-tracker/tabs";
import type { Note } from "../events/tracker-event.js";
import { observedCalls, type LookUp } from "../events/observed-calls.js";
import { observedClaims } from "../events/observed-claims.js";
import { observedKeysApi } from "../events/observed-keys-api.js";
import { observedTabs } from "../events/observed-tabs.js";
import { observedUpdates } from "../events/observed-updates.js";
import { messageOf } from "../words/message-of.js";
import { forgetFormerDemos } from "./former-demos.js";
import type { Place } from "./place.js";

/** How much later a tab that only listens asks, in ms: by then it finds in the store what the tab that syncs has fetched. */
const LISTENERS_ASK_LATER = 1_200;

/** A running tracker, and what the page does with it. */
export interface Session {
  readonly place: Place;
  readonly users: readonly UserId[];
  readonly lookUp: LookUp;
  /** A person acknowledges a changed identity: the master key that they were shown. */
  readonly acknowledge: (userId: UserId, masterKey: string) => Observable<unknown>;
}

/** Whom a place's diagram shows, ourselves last. */
export const usersOf = ({ shown, userId }: Place): readonly UserId[] => [
  ...new Set(shown.filter((user) => user !== userId)),
  userId,
];

/** Runs a tracker for as long as there is a subscriber. The composition is the one that any application writes; only the notes are extra. */
export function openSession(place: Place, noteIt: Note, complain: (message: string) => void): Observable<Session> {
  return new Observable((subscriber) => {
    const lists$ = new Subject<void>();
    const note: Note = (event) => {
      noteIt(event);
      if (event.type === "answered" || event.type === "known") lists$.next();
    };
    const { userId, deviceId, members, embedded } = place;
    const databaseName = `devices/${userId}/${deviceId}`;
    if (embedded) forgetFormerDemos(userId, databaseName);

    const http = matrixHttp(place);
    const store = idbStore(databaseName);
    const name = `sync/${userId}/${deviceId}`;
    const syncsHere$ = new BehaviorSubject(false);
    const unshared$ = new BehaviorSubject(false);
    const onUnshared = (message: string) => {
      unshared$.next(true);
      complain(message);
    };
    const sync$ = syncResponses(http, { since$: store.syncToken$, onFailure: ({ message }) => complain(message) }).pipe(
      tap({ subscribe: () => syncsHere$.next(true), finalize: () => syncsHere$.next(false) }), // only in the tab that syncs
      shareAcrossTabs(name, { onUnshared }),
      tap(({ since, device_lists }) =>
        note({
          type: "synced",
          heard: !syncsHere$.value,
          initial: since === null,
          changed: device_lists?.changed ?? [],
          left: device_lists?.left ?? [],
        }),
      ),
    );
    const tracker = new DeviceTracker({ userId, store, sync$, keysApi: observedKeysApi(axiosKeysApi(http), note) });

    const users = usersOf(place);
    const lookUp = observedCalls(tracker, note);
    const saved$ = tracker.getKnownDeviceKeys(users).pipe(tap((result) => note({ type: "known", result })));
    // Whom we have verified, our own identity says: with another one, everybody is shown anew.
    const shownAnew = (result: DeviceKeysByUser) => (result.has(userId) && users.length > 1 ? saved$ : EMPTY);
    // Asks with each announcement, so that one can see it happen. A watcher spaces its queries, as an application should.
    const announced$ = tracker.deviceChanges$.pipe(
      map(({ changed }) => changed.filter((user) => users.includes(user))),
      delayWhen(() => (syncsHere$.value ? of(0) : timer(LISTENERS_ASK_LATER))),
    );
    const asked$ = merge(of(users), announced$).pipe(
      filter((wanted) => wanted.length > 0),
      mergeMap((wanted) =>
        lookUp(wanted).pipe(
          switchMap(shownAnew),
          catchError(() => EMPTY),
        ),
      ), // noted as failed; the next announcement asks again
    );
    const watched$ = tracker.watchDeviceKeys(users).pipe(tap((result) => note({ type: "known", result })));

    // Another tab's acknowledgement is in the store, and not in this tab's memory: only an answer is held against the store.
    const acknowledgedElsewhere = (user: UserId) =>
      lookUp([user], { forceDownload: true }).pipe(
        switchMap(shownAnew),
        catchError(() => EMPTY),
      );
    const session = new Subscription();
    session.add(observedTabs({ name, syncsHere$, unshared$ }, note).subscribe());
    session.add(tracker.deviceChanges$.subscribe(({ changed, left }) => note({ type: "announced", changed, left })));
    session.add(
      tracker.trackedUsers$.subscribe({
        next: (tracked) => note({ type: "tracked", users: tracked }),
        error: () => undefined,
      }),
    );
    session.add(tracker.problems$.subscribe(({ message }) => complain(message)));
    session.add(
      merge(
        saved$.pipe(ignoreElements()),
        tracker.synced$.pipe(
          take(1), // until then, what is saved is as of the last visit
          switchMap(() => merge(tracker.track(members), embedded ? asked$ : watched$)),
          ignoreElements(),
        ),
        tracker.synced$.pipe(ignoreElements()), // tells when the sync loop has ended for good
      ).subscribe({ error: (error: unknown) => complain(messageOf(error)) }),
    );
    session.add(observedClaims(tracker, users, lists$, note).subscribe({ error: () => undefined }));
    session.add(
      observedUpdates(tracker, { name, users, acknowledgedElsewhere }, note).subscribe(({ acknowledge }) =>
        subscriber.next({
          place,
          users,
          lookUp,
          acknowledge: (user, masterKey) => concat(acknowledge(user, masterKey), saved$),
        }),
      ),
    );
    session.add(tracker.connect());
    return session;
  });
}
