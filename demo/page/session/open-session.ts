import {
  asapScheduler,
  asyncScheduler,
  BehaviorSubject,
  ignoreElements,
  merge,
  Observable,
  observeOn,
  of,
  share,
  Subscription,
  switchMap,
  take,
  tap,
} from "rxjs";
import { DeviceTracker, type DeviceId, type UserId } from "matrix-device-tracker";
import { axiosKeysApi, axiosMembersApi, matrixHttp, syncResponses } from "matrix-device-tracker/http";
import { idbStore } from "matrix-device-tracker/idb";
import { EncryptedRooms } from "matrix-device-tracker/rooms";
import { inOneTab } from "matrix-device-tracker/tabs";
import { observedCalls, type LookUp } from "../events/observed-calls.js";
import { observedClaims } from "../events/observed-claims.js";
import { observedDecisions, type Decisions } from "../events/observed-decisions.js";
import { observedHistories } from "../events/observed-histories.js";
import { observedKeysApi } from "../events/observed-keys-api.js";
import { observedTabs } from "../events/observed-tabs.js";
import { observedUpdates } from "../events/observed-updates.js";
import type { Note } from "../events/tracker-event.js";
import { messageOf } from "../words/message-of.js";
import { explain, type Explanation } from "./explain.js";
import {
  announcedLists,
  recordedChanges,
  refreshedLists,
  savedLists,
  watchedLists,
  type Followed,
} from "./followed-lists.js";
import { forgetFormerDemos } from "./former-demos.js";
import { membersKnown, openRoom, type OurRoom } from "./our-room.js";
import { usersOf, type Place } from "./place.js";

/** A running tracker, and what the page does with it. */
export interface Session {
  readonly place: Place;
  readonly users: readonly UserId[];
  readonly lookUp: LookUp;
  /** Emits when another user or the server may have done something, at the push of a button in any tab. */
  readonly announced$: Observable<unknown>;
  readonly decisions: Decisions;
  /** Why a device is trusted as far as it is, and again after each change. */
  readonly explain: (userId: UserId, deviceId: DeviceId) => Observable<Explanation>;
  /** The room of the people on the page, if we know of one. */
  readonly room: OurRoom | undefined;
}

/** Members are looked up when they are needed. */
const LAZY = { room: { state: { lazy_load_members: true } } };

/** The tracker as any application composes it, except that everything is recorded. */
function compose(place: Place, note: Note, complain: (message: string) => void) {
  const { userId, deviceId } = place;
  const syncsHere$ = new BehaviorSubject(false);
  const unshared$ = new BehaviorSubject(false);
  const onUnshared = (message: string) => {
    unshared$.next(true);
    complain(message);
  };
  const name = `sync/${userId}/${deviceId}`;

  const http = matrixHttp(place);
  const store = idbStore(`devices/${userId}/${deviceId}`);
  const sync$ = syncResponses(http, { since$: store.syncToken$, filter: LAZY }).pipe(
    tap({ subscribe: () => syncsHere$.next(true), finalize: () => syncsHere$.next(false) }), // in the syncing tab only
    inOneTab(name, { onUnshared }),
  );
  const rooms = new EncryptedRooms({ membersApi: axiosMembersApi(http) });
  const tracker = new DeviceTracker({
    userId,
    store,
    sync$,
    keysApi: observedKeysApi(axiosKeysApi(http), note),
    extensions: [rooms],
  });
  return { http, tracker, rooms, store, sharing: { name, syncsHere$, unshared$ } };
}

/** Runs a tracker for as long as there is a subscriber. */
export function openSession(place: Place, note: Note, complain: (message: string) => void): Observable<Session> {
  return new Observable((subscriber) => {
    const { userId, deviceId, room: roomId, members, embedded } = place;
    if (embedded) forgetFormerDemos(userId, deviceId);
    const { http, tracker, rooms, store, sharing } = compose(place, note, complain);
    const users = usersOf(place);
    const followed: Followed = { tracker, store, users, note };
    const lookUp = observedCalls(tracker, note);
    const { decisions, observe } = observedDecisions(tracker, userId, note);
    const syncsHere = () => sharing.syncsHere$.value;

    const fresh$ = embedded
      ? merge(announcedLists(followed, lookUp, syncsHere), refreshedLists(followed))
      : watchedLists(followed);
    // Until the members are tracked, their lists are not cached.
    const tracked$ =
      roomId === undefined
        ? merge(tracker.track(members).pipe(ignoreElements()), of(undefined))
        : membersKnown(rooms, roomId);
    const lists$ = merge(
      savedLists(followed),
      // Until the tracker has caught up, "current" is as of the last visit.
      tracker.caughtUp$.pipe(
        take(1),
        observeOn(asapScheduler), // like recorded changes: a lookup is recorded after the change that it reflects
        switchMap(() => tracked$),
        observeOn(asyncScheduler), // the members are announced, too
        switchMap(() => fresh$),
      ),
    ).pipe(share());

    const changes$ = merge(lists$, store.commits$);
    const histories$ = observedHistories(tracker, users, changes$).pipe(share());

    const session = new Subscription();
    session.add(observedTabs(sharing, note).subscribe());
    session.add(
      tracker.applied$.subscribe({
        next: ({ since, device_lists: { changed = [], left = [] } = {} }) =>
          note({ type: "synced", elsewhere: !syncsHere(), initial: since === null, changed, left }),
        error: () => undefined, // reported on problems$
      }),
    );
    session.add(recordedChanges(tracker).subscribe(({ changed, left }) => note({ type: "announced", changed, left })));
    session.add(tracker.trackedUsers$.subscribe((tracked) => note({ type: "tracked", users: tracked })));
    session.add(tracker.problems$.subscribe(({ message }) => complain(message)));
    session.add(observedUpdates(tracker, users, note).subscribe());
    session.add(observedClaims(tracker, users, lists$, note).subscribe({ error: () => undefined }));
    session.add(observe(lists$, histories$).subscribe({ error: (error: unknown) => complain(messageOf(error)) }));
    session.add(histories$.subscribe(([user, history]) => note({ type: "history", userId: user, history })));
    subscriber.next({
      place,
      users,
      lookUp,
      announced$: tracker.deviceChanges$,
      decisions,
      explain: (user, id) => explain({ tracker, ownUserId: userId, changes$ }, user, id),
      room: roomId === undefined ? undefined : openRoom(rooms, http, place, roomId),
    });
    session.add(tracker.connect());
    session.add(() => tracker.close());
    return session;
  });
}
