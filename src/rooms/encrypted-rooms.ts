import {
  concat,
  defer,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  ignoreElements,
  map,
  merge,
  NEVER,
  startWith,
  Subject,
  take,
  throwError,
  type Observable,
} from "rxjs";
import { TrackerClosedError } from "../model/errors.js";
import { isUserId, type UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceChanges } from "../model/results.js";
import { shown } from "../model/shown.js";
import type { SyncResponse } from "../model/wire.js";
import type { ExtendedTracker, SyncExtension } from "../sync/sync-extension.js";
import { completePolicy } from "../trust/complete-policy.js";
import type { RecipientPolicy } from "../trust/recipient-policy.js";
import { LiveRooms } from "./live-rooms.js";
import { lookUpRecipients } from "./look-up-recipients.js";
import { MAX_TRIES, MemberLoader } from "./member-loader.js";
import type { MembersApi } from "./members-api.js";
import { requireRoomId } from "./room-id.js";
import type { RoomRecipientPolicy, RoomRecipients } from "./room-recipients.js";
import { RoomStates, type RoomsEvent } from "./room-states.js";
import { viewsOf, type EncryptedRoom } from "./room-views.js";
import { watchRecipients } from "./watch-recipients.js";
import type { RoomId } from "./wire.js";

export interface EncryptedRoomsOptions {
  readonly membersApi: MembersApi;
  /**
   * Whether the sync filter sets `lazy_load_members`, so that responses leave members out. `false` saves a request for
   * each room, but must not be used with such a filter.
   * @default true
   */
  readonly lazyLoadMembers?: boolean;
}

/** What we can do to another user's membership. */
export type OwnAction = "invite" | "leave" | "ban";

const ACTIONS: readonly OwnAction[] = ["invite", "leave", "ban"];

/**
 * Follows the members of encrypted rooms in the sync responses of a tracker, and selects the devices that get a message
 * in a room.
 *
 *     sync$ ─▶ rooms.join, rooms.leave ─▶ encryption, members, visibility ─▶ committed with the sync token
 *                                              │                  ▲
 *                                              ▼                  │ /members, when needed
 *                                       tracked users ─▶ device lists ─▶ recipients()
 *
 * Members are tracked. A user becomes outdated when they come to share an encrypted room with us, and untracked when
 * they no longer share any, whatever the server announces. Invited users may be recipients, but are not tracked,
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
   * Emits the encrypted rooms that we are in, and again when one of them changes. Fails if the saved state cannot be
   * loaded; completes when the tracker is closed.
   */
  readonly rooms$: Observable<ReadonlyMap<RoomId, EncryptedRoom>> = defer(() => {
    const { tracker, states, changes$ } = this.#attached.rooms;
    let views: ReadonlyMap<RoomId, EncryptedRoom> = new Map();
    const views$ = changes$.pipe(
      startWith(undefined),
      map(() => (views = viewsOf(states.rooms.values(), views))),
      distinctUntilChanged(),
    );
    return tracker.alive(concat(tracker.ready$.pipe(ignoreElements()), views$));
  });
  readonly #membersApi: MembersApi;
  readonly #isLazy: boolean;
  readonly #changes$ = new Subject<void>();
  /** True if a change is to be emitted. */
  #hasChanged = false;
  /** True if this tab receives responses: only that tab refreshes rooms in the background, for all tabs. */
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
   * Selects the devices to encrypt for in a room, and those to leave out. Cold; emits one value and completes.
   *
   * 1. Unknown members are fetched first. If sync contradicts the fetched list, sync wins, whichever arrives first.
   * 2. Devices are looked up as by `getDeviceKeys`, so that the result is as new as every change the tracker had
   *    received. Users without a current list are `uncertain`.
   * 3. Invited users are included unless the history is for members only (`historyVisibility: "joined"`).
   *
   * Fails with {@link RoomError} if some members or devices could not be fetched, with {@link SendForbiddenError} if a
   * strict policy forbids sending, and with the errors of a lookup; it never emits a partial result. Call
   * {@link planKeyShare} to find out whether the session must be rotated first.
   * @throws TypeError if `roomId` is not a room ID, or if the policy has an unknown property or value
   */
  recipients(roomId: RoomId, options: RoomRecipientPolicy = {}): Observable<RoomRecipients> {
    requireRoomId(roomId);
    const policy = held(options);
    const { strict = false, ...others } = policy;
    if (typeof strict !== "boolean") throw new TypeError(`policy.strict should be a boolean, not ${shown(strict)}`);
    completePolicy(others);
    const { rooms, loader } = this.#attached;
    const closed$ = concat(
      rooms.tracker.alive(NEVER),
      throwError(() => new TrackerClosedError()),
    );
    return merge(lookUpRecipients(roomId, policy, rooms, loader, MAX_TRIES), closed$).pipe(take(1));
  }

  /**
   * Like {@link recipients}, but live: emits once all members and their devices are known, and again when members,
   * devices, their status or the visibility change. If members become unknown, `isComplete` is `false` until they are
   * fetched again; a failed fetch is retried after 2 s, doubling to 5 min.
   *
   * Fails with {@link RoomError} if the room is not encrypted or we are not in it (any more); completes when the
   * tracker is closed.
   * @throws TypeError if `roomId` is not a room ID, or if the policy has an unknown property or value
   */
  watchRecipients(roomId: RoomId, options: RecipientPolicy = {}): Observable<RoomRecipients> {
    requireRoomId(roomId);
    const policy = held(options);
    completePolicy(policy);
    const { rooms, loader } = this.#attached;
    return watchRecipients(roomId, policy, rooms, loader);
  }

  /**
   * Applies an invitation, a removal or a ban of ours at once, before sync shows it. To be called as soon as the server
   * has accepted it. Cold; completes when it is durable. Unsubscribing does not cancel it.
   * @throws TypeError if an argument is malformed
   * @example
   * http
   *   .post(`/rooms/${roomId}/kick`, { user_id })
   *   .then(() => rooms.memberChanged(roomId, user_id, "leave").subscribe());
   */
  memberChanged(roomId: RoomId, userId: UserId, action: OwnAction): Observable<void> {
    requireRoomId(roomId);
    if (!ACTIONS.includes(action))
      throw new TypeError(`action should be one of ${ACTIONS.join(", ")}, not ${shown(action)}`);
    if (!isUserId(userId)) throw new TypeError(`userId should be a user ID, not ${shown(userId)}`);
    const membership = action === "invite" ? "invited" : "gone";
    const { tracker, states } = this.#attached.rooms;
    return defer(() => {
      const { token } = tracker;
      const after = states.rooms.get(roomId)?.shownUntil;
      const id = `${action} of ${userId} at ${tracker.scheduler.now()} after ${token ?? "nothing"}`;
      return tracker.commit({ type: "sent", roomId, userId, membership, after, id });
    });
  }

  /** @internal */
  attach(tracker: ExtendedTracker<RoomsEvent>): void {
    if (this.#attachment !== undefined)
      throw new TypeError("EncryptedRooms belong to one tracker: create another instance for another tracker");
    const rooms = new LiveRooms(tracker, new RoomStates(tracker.userId, this.#isLazy), this.#changes$.asObservable());
    const loader = new MemberLoader(rooms, this.#membersApi);
    this.#attachment = { rooms, loader };
    const refresh$ = this.#changes$.pipe(exhaustMap(() => (this.#isSyncing ? loader.refresh() : EMPTY)));
    tracker.alive(refresh$).subscribe();
  }

  /** @internal */
  restore(records: readonly unknown[] | undefined): void {
    const { states } = this.#attached.rooms;
    // Keeps rooms that this tab knows to be encrypted, even if their records are lost.
    if (records === undefined) states.missed(undefined);
    else states.restore(records);
    this.#notify();
  }

  /** @internal */
  read(response: SyncResponse): readonly RoomsEvent[] {
    const { tracker, states } = this.#attached.rooms;
    const { event, refused } = states.read(response);
    for (const [roomId, events] of refused) {
      const message = `invalid state events of ${roomId} were ignored: ${events.slice(0, 5).join(", ")}`;
      tracker.report({ type: "room-events-refused", roomId, count: events.length, message });
    }
    if (!this.#isSyncing) this.#notify(); // rooms may be awaited since before the restart
    this.#isSyncing = true;
    return event === undefined ? [] : [event];
  }

  /** @internal */
  late(events: readonly RoomsEvent[]): readonly RoomsEvent[] {
    return this.#attached.rooms.states.late(events);
  }

  /** @internal */
  apply(event: RoomsEvent, token: string | undefined): DeviceChanges {
    const { tracker, states } = this.#attached.rooms;
    this.#notify();
    return states.apply(event, token, (userId) => tracker.isTracked(userId));
  }

  /** @internal */
  missed(token: string | undefined): void {
    this.#attached.rooms.states.missed(token);
    this.#notify();
  }

  /** @internal */
  records(): readonly unknown[] {
    return this.#attached.rooms.states.records();
  }

  /** @internal */
  summary(): readonly RoomsEvent[] {
    const { tracker, states } = this.#attached.rooms;
    const { token } = tracker;
    return states.records().map((rooms) => ({ type: "known", token, rooms }));
  }

  /** @internal */
  trackedUsers(): Iterable<UserId> {
    return this.#attached.rooms.states.sharers();
  }

  get #attached(): Attachment {
    if (this.#attachment === undefined)
      throw new TypeError("EncryptedRooms should be among the extensions of a DeviceTracker");
    return this.#attachment;
  }

  #notify(): void {
    if (this.#hasChanged) return;
    this.#hasChanged = true;
    const { tracker } = this.#attached.rooms;
    const emission = () => {
      this.#hasChanged = false;
      this.#changes$.next();
    };
    // At the end of the queue: watched lists are notified of the same change first, otherwise stale ones would seem
    // current.
    tracker.emit(() => {
      tracker.emit(emission);
    });
  }
}

interface Attachment {
  readonly rooms: LiveRooms;
  readonly loader: MemberLoader;
}

/** Copies a policy when it is passed, because its iterables may be readable only once. */
function held<P extends RecipientPolicy>(policy: P): P {
  const once = ["blocked", "users"] as const;
  const read = once.flatMap((name) => {
    const value: unknown = policy[name];
    return isObject(value) && Symbol.iterator in value ? [[name, [...(value as Iterable<unknown>)]]] : [];
  });
  return { ...policy, ...Object.fromEntries(read) } as P;
}
