import type { Observable, SchedulerLike } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceChanges, DeviceKeysByUser } from "../model/results.js";
import type { SyncResponse } from "../model/wire.js";

/**
 * Commits more of a sync response in the transaction that moves the sync token: rooms, for instance, or to-device
 * messages that must not get lost.
 *
 * An extension is a fold over events. It reads each response once, in the tab that received it, and returns events as
 * plain data. The tracker commits them with the token, all or nothing, and every tracker on the store applies them, in
 * the order of the commits. Their result is saved with the tracker's own snapshots.
 *
 *     response ─▶ read() ─▶ events ─▶ memory: apply()  ─▶ one commit: device lists, events, token
 *                                          ▲                         │
 *     another tab, a reload, a restart ────┴─────────────────────────┘
 *
 * - Events are applied in memory at once, before their commit, and again if the commit is rebased onto those of other
 *   tabs. So an event must be idempotent: it states a fact ("Bob is a member"), not a difference.
 * - A response may be late: of a stream that is behind another tab's, or ahead of it. Its events are dropped, but for
 *   those that {@link late} keeps.
 * - If responses were missed, {@link missed} is called instead.
 *
 * An error that an extension throws reaches no stream: it is reported on `problems$` (`extension-failed`), and counts
 * as something missed.
 *
 * An extension belongs to one tracker. All trackers on a store must have the same extensions: a response that a tracker
 * without the extension receives counts as missed.
 *
 * @example
 * // To-device messages, kept until they have been decrypted.
 * class Inbox implements SyncExtension<InboxEvent> {
 *   readonly name = "inbox";
 *   readonly #messages = new Map<string, ToDeviceMessage>();
 *   read({ next_batch, to_device }: SyncResponse) {
 *     return messagesOf(to_device).map((message, i) => ({ id: `${next_batch}/${i}`, message }));
 *   }
 *   late(events: readonly InboxEvent[]) { return events; } // a message comes only once
 *   apply({ id, message }: InboxEvent) {
 *     if (message === undefined) this.#messages.delete(id); // committed by done(id)
 *     else this.#messages.set(id, message);
 *   }
 *   records() { return [[...this.#messages]]; }
 *   // …
 * }
 */
export interface SyncExtension<Event = unknown> {
  /** Names its events and records in the store. Unique among the extensions of a tracker. */
  readonly name: string;
  /** Called once, by the constructor of the tracker. */
  attach(tracker: ExtendedTracker<Event>): void;
  /**
   * Resets memory to the {@link records} that were saved last. Events that were committed since are applied next, one
   * by one.
   * @param records empty in a new store; `undefined` if they are lost, or if the store was used without the extension
   */
  restore(records: readonly unknown[] | undefined): void;
  /** Returns what to commit of a response, structured-cloneable. Called once for each response, in order. */
  read(response: SyncResponse): readonly Event[];
  /**
   * Returns what to commit of the events of a late response: what it says may have been committed already, or come
   * again in another order. The result must not affect the tracked users. By default, nothing is kept.
   */
  late?(events: readonly Event[]): readonly Event[];
  /**
   * Applies an event in memory. Returns its effects on the tracked users, which are committed with it: `changed` users
   * become tracked and outdated, unless the response lists them in `left`; `left` users become untracked.
   * @param token the sync token that memory stands on then
   */
  apply(event: Event, token: string | undefined): DeviceChanges | undefined;
  /**
   * Responses were missed: their content is unknown.
   * @param token the sync token that they led to; `undefined` if nothing is known of them
   */
  missed(token: string | undefined): void;
  /** All that memory knows, structured-cloneable, for {@link restore}. A record may have some 100 kB. */
  records(): readonly unknown[];
  /**
   * Events that describe all that memory knows. They are committed to a store that could not be opened before, on top
   * of what it holds. If another tab moves the head first, they are applied on top of another token than the one that
   * memory stands on now.
   */
  summary(): readonly Event[];
  /** All users to track. Called after {@link restore}: users that are not tracked yet become tracked. */
  trackedUsers(): Iterable<UserId>;
}

/** The tracker, as its extensions see it. */
export interface ExtendedTracker<Event = unknown> {
  /** Our own user. */
  readonly userId: UserId;
  readonly scheduler: SchedulerLike;
  /**
   * Emits and completes once the saved state is loaded and no response is known to be missing. Fails as a lookup does.
   */
  readonly ready$: Observable<void>;
  /** Whether the saved state is loaded, and all responses that were received are applied. */
  readonly isReady: boolean;
  /** The sync token that memory stands on; `undefined` before the first response, and while nothing is loaded. */
  readonly token: string | undefined;
  /** Whether a user is tracked. */
  isTracked(userId: UserId): boolean;
  /** `DeviceTracker.getDeviceKeys` */
  getDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser>;
  /** `DeviceTracker.watchDeviceKeys` */
  watchDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser>;
  /**
   * Applies and commits an event that does not come from a response, in order with the responses. Cold; completes when
   * it is durable. Unsubscribing does not cancel it.
   */
  commit(event: Event): Observable<never>;
  /** Mirrors a stream until the tracker is closed, then completes. */
  alive<T>(source$: Observable<T>): Observable<T>;
  /** Runs an emission once the change that is being applied is completely in memory. */
  emit(emission: () => void): void;
  /** Reports a problem on `problems$`. */
  report(problem: TrackerProblem): void;
}
