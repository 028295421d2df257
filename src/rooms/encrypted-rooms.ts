import {
  catchError,
  combineLatest,
  concat,
  defer,
  distinctUntilChanged,
  EMPTY,
  endWith,
  exhaustMap,
  filter,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
  of,
  retry,
  share,
  startWith,
  Subject,
  switchMap,
  take,
  tap,
  throwError,
  timer,
  type Observable,
} from "rxjs";
import { StoreClearedError, StoreOwnerError, TrackerClosedError } from "../model/errors.js";
import { isUserId, type UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceChanges, DeviceKeysByUser } from "../model/results.js";
import { shown } from "../model/shown.js";
import type { SyncResponse } from "../model/wire.js";
import type { ExtendedTracker, SyncExtension } from "../sync/sync-extension.js";
import { completePolicy } from "../trust/complete-policy.js";
import type { RecipientPolicy } from "../trust/recipient-policy.js";
import { RoomError } from "./errors.js";
import { fetchMembers } from "./fetch-members.js";
import type { MembersApi } from "./members-api.js";
import { readersOf, roomRecipients, type RoomRecipientPolicy, type RoomRecipients } from "./room-recipients.js";
import { RoomStates, type RoomsEvent } from "./room-states.js";
import type { Room } from "./room.js";
import type { HistoryVisibility, RoomEncryption, RoomId } from "./wire.js";

export interface EncryptedRoomsOptions {
  readonly membersApi: MembersApi;
  /**
   * Whether the sync filter sets `lazy_load_members`, so that responses leave members out. `false` saves a request for
   * each room, but must not be used with such a filter.
   * @default true
   */
  readonly lazyLoadMembers?: boolean;
}

/** An encrypted room that we are in. */
export interface EncryptedRoom {
  readonly roomId: RoomId;
  readonly encryption: RoomEncryption;
  readonly historyVisibility: HistoryVisibility;
  /** The known members. These are all if `isComplete`. */
  readonly joinedCount: number;
  readonly invitedCount: number;
  readonly isComplete: boolean;
}

/** What we can do to the membership of another user. */
export type OwnAction = "invite" | "leave" | "ban";

const ACTIONS: readonly OwnAction[] = ["invite", "leave", "ban"];
/** Attempts to fetch the members or the devices of a room, if the room changes in the meantime. */
const MAX_TRIES = 5;
/** After a failure, rooms are not refreshed in the background for so long, in ms. Callers do not wait for this. */
const REFRESH_WAIT = 60_000;
/** How long a watcher waits before its first retry, in ms. The wait doubles up to {@link LAST_WAIT}. */
const FIRST_WAIT = 2_000;
const LAST_WAIT = 300_000;
/** Rooms that are refreshed concurrently. */
const ROOMS_AT_A_TIME = 3;

/**
 * Follows the members of encrypted rooms in the sync responses of a tracker, and selects the devices that get a message
 * in a room.
 *
 *     sync$ ─▶ rooms.join, rooms.leave ─▶ encryption, members, visibility ─▶ committed with the sync token
 *                                              │                  ▲
 *                                              ▼                  │ /members, when needed
 *                                       tracked users ─▶ device lists ─▶ recipients()
 *
 * Members are tracked. A user that comes to share an encrypted room with us becomes outdated, and a user that no longer
 * shares any becomes untracked, whatever the server announces. Invited users may be recipients, but are not tracked,
 * because servers do not announce their changes: each lookup queries them until they join.
 *
 * Matrix spec, client-server API, "m.room.encryption", "Room History Visibility", "Tracking the device list for a
 * user".
 *
 * @example
 * const rooms = new EncryptedRooms({ membersApi: axiosMembersApi(http) });
 * const tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$, extensions: [rooms] });
 * tracker.connect();
 * rooms
 *   .recipients("!room:example.org", { ownDevice: { userId, deviceId } })
 *   .subscribe(({ devices }) => encryptFor(devices));
 */
export class EncryptedRooms implements SyncExtension<RoomsEvent> {
  readonly name = "rooms";
  /**
   * Emits the encrypted rooms that we are in, and again whenever one of them changes. Fails if the saved state cannot
   * be loaded; completes when the tracker is closed.
   */
  readonly rooms$: Observable<ReadonlyMap<RoomId, EncryptedRoom>> = defer(() => {
    const { tracker, states } = this.#attached;
    let views: ReadonlyMap<RoomId, EncryptedRoom> = new Map();
    const views$ = this.#changes$.pipe(
      startWith(undefined),
      map(() => (views = viewsOf(states.rooms.values(), views))),
      distinctUntilChanged(),
    );
    return tracker.alive(concat(tracker.ready$.pipe(ignoreElements()), views$));
  });
  readonly #membersApi: MembersApi;
  readonly #isLazy: boolean;
  /** Something has changed in one of the rooms. */
  readonly #changes$ = new Subject<void>();
  readonly #refresh$ = new Subject<void>();
  readonly #loading = new Map<RoomId, Observable<never>>();
  #changed = false;
  /** Whether this tab receives responses. Only that tab refreshes rooms in the background, for all tabs. */
  #isSyncing = false;
  #attachment: Attachment | undefined;

  constructor({ membersApi, lazyLoadMembers = true }: EncryptedRoomsOptions) {
    if (!isObject(membersApi)) throw new TypeError(`membersApi should be a MembersApi, not ${shown(membersApi)}`);
    if (typeof lazyLoadMembers !== "boolean")
      throw new TypeError(`lazyLoadMembers should be a boolean, not ${shown(lazyLoadMembers)}`);
    this.#membersApi = membersApi;
    this.#isLazy = lazyLoadMembers;
  }

  /**
   * The devices to encrypt for in a room, and those that are left out: one value, then completion. Cold.
   *
   * 1. Unknown members are fetched first. If sync contradicts the fetched list, sync wins, whichever arrives first.
   * 2. Devices are looked up as by `getDeviceKeys`, so that the result is as new as every change the tracker had
   *    received. Users without a current list are `uncertain`.
   * 3. Invited users are included unless the history is for members only (`historyVisibility: "joined"`).
   *
   * Fails with {@link RoomError} if some members or devices could not be fetched, with {@link SendForbiddenError} if a
   * strict policy forbids sending, and with the errors of a lookup; it never emits a partial result. Call
   * {@link planKeyShare} to find out whether the session must be rotated first.
   * @throws TypeError if the policy has a property or a value that is unknown
   */
  recipients(roomId: RoomId, options: RoomRecipientPolicy = {}): Observable<RoomRecipients> {
    const policy = held(options);
    const { strict = false, ...others } = policy;
    if (typeof strict !== "boolean") throw new TypeError(`policy.strict should be a boolean, not ${shown(strict)}`);
    completePolicy(others);
    const { tracker } = this.#attached;
    const answer$ = concat(tracker.ready$.pipe(ignoreElements()), this.#answer(roomId, policy, MAX_TRIES));
    const closed$ = concat(
      tracker.alive(NEVER),
      throwError(() => new TrackerClosedError()),
    );
    return merge(answer$, closed$).pipe(take(1));
  }

  /**
   * Like {@link recipients}, but live: emits once all members and their devices are known, and again whenever members,
   * devices, their status or the visibility change. If members become unknown, `isComplete` is `false` until they are
   * fetched again; a failed fetch is retried after 2 s, doubling to 5 min.
   *
   * Fails with {@link RoomError} if the room is not encrypted or we are not in it (any more); completes when the
   * tracker is closed.
   * @throws TypeError if the policy has a property or a value that is unknown
   */
  watchRecipients(roomId: RoomId, options: RecipientPolicy = {}): Observable<RoomRecipients> {
    const policy = held(options);
    completePolicy(policy);
    const { tracker, states } = this.#attached;
    const { scheduler, userId } = tracker;
    const wait = (tries: number) => timer(Math.min(LAST_WAIT, FIRST_WAIT * 2 ** (tries - 1)), scheduler);
    const complete$ = this.#complete(roomId).pipe(
      retry({
        delay: (error: unknown, tries) =>
          error instanceof RoomError && error.reason === "members-unknown" ? wait(tries) : throwError(() => error),
      }),
    );
    const watched$ = defer(() => {
      const room$ = this.#changes$.pipe(
        startWith(undefined),
        map(() => this.#joinedRoom(roomId)),
        map((room) => ({ room, revision: room.revision })),
        distinctUntilChanged((was, is) => was.room === is.room && was.revision === is.revision),
        map(({ room }) => room),
      );
      const lists$ = room$.pipe(
        map((room) => readersOf(room)),
        distinctUntilChanged(areSame),
        switchMap((users) => tracker.watchDeviceKeys(users).pipe(map((lists) => ({ lists, users })))),
      );
      const recipients$ = combineLatest([room$, lists$]).pipe(
        switchMap(([room, { lists, users }]) => {
          const answer$ = defer(() => {
            // Stale: the lists of the current readers, or the room that replaced this one, are emitted soon.
            if (states.rooms.get(roomId) !== room || !areSame(readersOf(room), users)) return EMPTY;
            return of(roomRecipients(room, lists, policy, userId, scheduler.now()));
          });
          // More responses may have arrived by the time a gap is closed.
          const current$: Observable<RoomRecipients> = defer(() => {
            if (this.#isReady) return answer$;
            const incomplete$ = answer$.pipe(map((now) => ({ ...now, isComplete: false })));
            return concat(incomplete$, tracker.ready$.pipe(switchMap(() => current$)));
          });
          return current$;
        }),
      );
      const fetched$ = this.#changes$.pipe(
        exhaustMap(() => (states.rooms.get(roomId)?.isComplete === false ? complete$ : EMPTY)),
      );
      return merge(recipients$, fetched$);
    });
    return tracker.alive(concat(tracker.ready$.pipe(ignoreElements()), complete$, watched$));
  }

  /**
   * Applies an invitation, a removal or a ban of ours at once, before sync shows it. To be called when the server has
   * accepted it. Cold; completes when it is durable. Unsubscribing does not cancel it.
   * @example
   * http
   *   .post(`/rooms/${roomId}/kick`, { user_id })
   *   .then(() => rooms.memberChanged(roomId, user_id, "leave").subscribe());
   */
  memberChanged(roomId: RoomId, userId: UserId, action: OwnAction): Observable<void> {
    if (!ACTIONS.includes(action))
      throw new TypeError(`action should be one of ${ACTIONS.join(", ")}, not ${shown(action)}`);
    if (!isUserId(userId)) throw new TypeError(`userId should be a user ID, not ${shown(userId)}`);
    const membership = action === "invite" ? "invited" : "gone";
    const { tracker, states } = this.#attached;
    return defer(() => {
      const { token } = tracker;
      const after = states.rooms.get(roomId)?.shownUntil;
      const id = `ours at ${tracker.scheduler.now()} after ${token ?? "nothing"}`;
      return tracker.commit({ type: "sent", roomId, userId, membership, after, id });
    });
  }

  /** @internal */
  attach(tracker: ExtendedTracker<RoomsEvent>): void {
    if (this.#attachment !== undefined)
      throw new TypeError("EncryptedRooms belong to one tracker: make others for another one");
    this.#attachment = { tracker, states: new RoomStates(tracker.userId, this.#isLazy) };
    tracker.alive(this.#refresh$.pipe(exhaustMap(() => this.#refresh()))).subscribe();
  }

  /** @internal */
  restore(records: readonly unknown[] | undefined): void {
    this.#attached.states.restore(records ?? []);
    this.#notify();
  }

  /** @internal */
  read(response: SyncResponse): readonly RoomsEvent[] {
    const { tracker, states } = this.#attached;
    const { event, refused } = states.read(response);
    for (const [roomId, events] of refused) {
      const message = `events of ${roomId} could not be understood and count for nothing: ${events.slice(0, 5).join(", ")}`;
      tracker.report({ type: "room-events-refused", roomId, count: events.length, message });
    }
    if (!this.#isSyncing) this.#notify(); // rooms may be awaited since before the restart
    this.#isSyncing = true;
    return event === undefined ? [] : [event];
  }

  /** @internal */
  apply(event: RoomsEvent, token: string | undefined): DeviceChanges {
    const { tracker, states } = this.#attached;
    this.#notify();
    return states.apply(event, token, (userId) => tracker.isTracked(userId));
  }

  /** @internal */
  missed(token: string | undefined): void {
    this.#attached.states.missed(token);
    this.#notify();
  }

  /** @internal */
  records(): readonly unknown[] {
    return this.#attached.states.records();
  }

  /** @internal */
  summary(): readonly RoomsEvent[] {
    const { tracker, states } = this.#attached;
    const { token } = tracker;
    return states.records().map((rooms) => ({ type: "known", token, rooms }));
  }

  /** @internal */
  trackedUsers(): Iterable<UserId> {
    return this.#attached.states.sharers();
  }

  get #attached(): Attachment {
    if (this.#attachment === undefined)
      throw new TypeError("EncryptedRooms should be among the extensions of a DeviceTracker");
    return this.#attachment;
  }

  /** Whether all received responses are applied. */
  get #isReady(): boolean {
    let isReady = false;
    this.#attached.tracker.ready$.subscribe(() => (isReady = true)).unsubscribe();
    return isReady;
  }

  #notify(): void {
    if (this.#changed) return;
    this.#changed = true;
    const { tracker } = this.#attached;
    const emission = () => {
      this.#changed = false;
      this.#changes$.next();
      this.#refresh$.next();
    };
    // At the end of the queue: watched lists are notified of the same change first, or stale ones would seem current.
    tracker.emit(() => {
      tracker.emit(emission);
    });
  }

  #joinedRoom(roomId: RoomId): Room {
    const room = this.#attached.states.rooms.get(roomId);
    if (room?.encryption === undefined) throw new RoomError(roomId, "not-joined");
    return room;
  }

  /** Completes when all members are known. */
  #complete(roomId: RoomId): Observable<never> {
    return defer(() => {
      if (this.#attached.states.rooms.get(roomId)?.isComplete === true) return EMPTY;
      let loading$ = this.#loading.get(roomId);
      if (loading$ === undefined) {
        loading$ = this.#fetch(roomId, MAX_TRIES).pipe(tap({ finalize: () => this.#loading.delete(roomId) }), share());
        this.#loading.set(roomId, loading$);
      }
      return loading$;
    });
  }

  #fetch(roomId: RoomId, tries: number): Observable<never> {
    const { tracker, states } = this.#attached;
    return defer(() => {
      const room = states.rooms.get(roomId);
      if (room === undefined)
        return concat(
          this.#commit({ type: "ask", roomId, token: tracker.token }, () => states.rooms.has(roomId)),
          this.#fetch(roomId, tries),
        );
      const { shownUntil: after } = room;
      const isOutdated = () => states.rooms.get(roomId) !== room || room.shownUntil !== after;
      return fetchMembers(room, this.#membersApi, tracker).pipe(
        mergeMap((fetched) => {
          const { uncertainSince } = fetched;
          const isDone = () =>
            room.uncertainSince !== uncertainSince || room.isComplete || states.rooms.get(roomId) !== room;
          return this.#commit({ type: "members", ...fetched }, isDone);
        }),
        catchError((error: unknown) => {
          const isOver = error instanceof RoomError && ["not-joined", "not-encrypted"].includes(error.reason);
          const failed$ = throwError(() => error);
          if (!isOver) return failed$;
          if (isOutdated()) return EMPTY; // the error may be older than newer responses
          const isDone = () => states.rooms.get(roomId) === undefined || isOutdated();
          return concat(
            this.#commit({ type: "forget", roomId, after }, isDone),
            defer(() => (states.rooms.has(roomId) ? EMPTY : failed$)),
          );
        }),
        (fetched$) =>
          concat(
            fetched$,
            defer(() => this.#again(roomId, tries)),
          ),
      );
    });
  }

  /** Fetches again if more was missed in the meantime. */
  #again(roomId: RoomId, tries: number): Observable<never> {
    if (this.#attached.states.rooms.get(roomId)?.isComplete === true) return EMPTY;
    return tries > 1 ? this.#fetch(roomId, tries - 1) : throwError(() => new RoomError(roomId, "members-unknown"));
  }

  /** Commits an event. Completes once it is applied in memory, without waiting until it is durable. */
  #commit(event: RoomsEvent, isApplied: () => boolean): Observable<never> {
    const applied$ = this.#changes$.pipe(startWith(undefined), filter(isApplied), take(1));
    const durable$ = this.#attached.tracker.commit(event).pipe(endWith(undefined));
    return merge(durable$, applied$).pipe(take(1), ignoreElements());
  }

  /** Looks up all readers, and again if others have been added in the meantime. */
  #answer(roomId: RoomId, policy: RoomRecipientPolicy, tries: number): Observable<RoomRecipients> {
    const { tracker } = this.#attached;
    const { userId, scheduler } = tracker;
    const lists$ = defer(() => {
      const users = new Set([...readersOf(this.#joinedRoom(roomId)), userId]);
      return tracker.getDeviceKeys(users).pipe(catchError((error: unknown) => failed(roomId, error)));
    });
    const answer = (lists: DeviceKeysByUser): Observable<RoomRecipients> => {
      // A response has arrived that is not applied yet.
      if (!this.#isReady) return concat(tracker.ready$.pipe(ignoreElements()), this.#answer(roomId, policy, tries));
      const room = this.#joinedRoom(roomId);
      const isWhole = room.isComplete && readersOf(room).every((reader) => lists.has(reader));
      if (isWhole) return of(roomRecipients(room, lists, policy, userId, scheduler.now()));
      if (tries > 1) return this.#answer(roomId, policy, tries - 1);
      return throwError(() => new RoomError(roomId, "members-unknown"));
    };
    return concat(this.#complete(roomId), lists$.pipe(mergeMap(answer)));
  }

  /**
   * Fetches the members of rooms in use after responses or timeline events were missed: the server no longer announces
   * changes of members that left in them.
   */
  #refresh(): Observable<never> {
    const { tracker, states } = this.#attached;
    if (!this.#isSyncing) return EMPTY;
    const awaited = Array.from(states.rooms.values()).flatMap(({ roomId, isAwaited }) => (isAwaited ? [roomId] : []));
    let hasFailed = false;
    const fetched$ = from(awaited).pipe(
      mergeMap(
        (roomId) =>
          this.#complete(roomId).pipe(
            catchError(() => {
              hasFailed = true; // callers that request the room get the error
              return EMPTY;
            }),
          ),
        ROOMS_AT_A_TIME,
      ),
    );
    const wait$ = defer(() => (hasFailed ? timer(REFRESH_WAIT, tracker.scheduler) : EMPTY));
    return concat(fetched$, wait$).pipe(ignoreElements());
  }
}

interface Attachment {
  readonly tracker: ExtendedTracker<RoomsEvent>;
  readonly states: RoomStates;
}

/** Wraps a failed request in a {@link RoomError}. Errors of the account itself pass through. */
function failed(roomId: RoomId, error: unknown): Observable<never> {
  const isOver = [StoreOwnerError, StoreClearedError, TrackerClosedError].some((over) => error instanceof over);
  return throwError(() => (isOver ? error : new RoomError(roomId, "devices-unknown", { cause: error })));
}

/** Copies a policy when it is passed: its iterables may be readable only once. */
function held<P extends RecipientPolicy>(policy: P): P {
  const once = ["blocked", "users"] as const;
  const read = once.flatMap((name) => {
    const value: unknown = policy[name];
    return isObject(value) && Symbol.iterator in value ? [[name, [...(value as Iterable<unknown>)]]] : [];
  });
  return { ...policy, ...Object.fromEntries(read) } as P;
}

/** Views of the rooms. An unchanged room keeps its view, and the map is the same one if no room has changed. */
function viewsOf(
  rooms: Iterable<Room>,
  before: ReadonlyMap<RoomId, EncryptedRoom>,
): ReadonlyMap<RoomId, EncryptedRoom> {
  const views = new Map<RoomId, EncryptedRoom>();
  let isSame = true;
  for (const { roomId, encryption, visibility: historyVisibility, joined, invited, isComplete } of rooms) {
    if (encryption === undefined) continue;
    const known = before.get(roomId);
    const view = {
      roomId,
      encryption,
      historyVisibility,
      joinedCount: joined.size,
      invitedCount: invited.size,
      isComplete,
    };
    const isKnown =
      known !== undefined &&
      Object.entries(view).every(([name, value]) => known[name as keyof EncryptedRoom] === value);
    views.set(roomId, isKnown ? known : view);
    isSame &&= isKnown;
  }
  return isSame && views.size === before.size ? before : views;
}

const areSame = (some: readonly UserId[], others: readonly UserId[]): boolean =>
  some.length === others.length && some.every((userId, i) => userId === others[i]);
