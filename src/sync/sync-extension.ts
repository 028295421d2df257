import type { Observable, SchedulerLike } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceChanges, DeviceKeysByUser } from "../model/results.js";
import type { SyncResponse } from "../model/wire.js";

/**
 * What else of a sync response is committed in the transaction that moves the sync token: rooms, for instance, or
 * to-device messages that must not get lost.
 *
 * An extension is a fold over events. It reads each response once, in the tab that was given it, and returns events:
 * plain data. The tracker commits them with the token, all or nothing, and every tracker on the store applies them, in
 * the order of the commits. What they amount to is saved with the tracker's own snapshots.
 *
 *     response ─▶ read() ─▶ events ─▶ memory: apply()  ─▶ one commit: device lists, events, token
 *                                          ▲                         │
 *     another tab, a reload, a restart ────┴─────────────────────────┘
 *
 * - Events are applied in memory at once, before their commit, and again if the commit is rebased onto those of other
 *   tabs. So an event says what is the case ("Bob is a member"), not what to add to what was.
 * - Events of a response that is behind another tab's are dropped: what they say has been committed, or comes again.
 * - Where responses were missed, {@link missed} is called instead.
 *
 * Nothing that an extension throws reaches a stream: it is reported on `problems$` (`extension-failed`), and counts as
 * something missed.
 *
 * An extension belongs to one tracker. Every tracker on a store must have the same ones: a response that one without it
 * is given counts as missed.
 *
 * @example
 * // To-device messages, kept until they have been decrypted.
 * class Inbox implements SyncExtension<InboxEvent> {
 *   readonly name = "inbox";
 *   readonly #messages = new Map<string, ToDeviceMessage>();
 *   read({ next_batch, to_device }: SyncResponse) {
 *     return messagesOf(to_device).map((message, i) => ({ id: `${next_batch}/${i}`, message }));
 *   }
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
   * Memory begins anew: with what {@link records} was saved last, and what has been committed since, which is applied
   * next, event by event.
   * @param records empty in a new store; `undefined` if they are lost, or if the store was used without the extension
   */
  restore(records: readonly unknown[] | undefined): void;
  /** What of a response is to be committed, structured-cloneable. Called once for each response, in order. */
  read(response: SyncResponse): readonly Event[];
  /**
   * An event takes effect in memory. Returns what it does to the tracked users, which is committed with it: `changed`
   * become tracked and outdated, unless the response lists them in `left`; `left` become untracked.
   * @param token the sync token that memory stands on then
   */
  apply(event: Event, token: string | undefined): DeviceChanges | undefined;
  /**
   * Responses were missed: whatever they would have said is unknown.
   * @param token the sync token that they led to; `undefined` if nothing is known of them
   */
  missed(token: string | undefined): void;
  /** All that memory knows, structured-cloneable, to be restored from. A record may have some 100 kB. */
  records(): readonly unknown[];
  /**
   * Events that say all that memory knows: what is committed to a store that could not be opened before, on top of what
   * it holds. If another tab moves the head before that, they are applied on top of another token than the one that
   * memory stands on now.
   */
  summary(): readonly Event[];
  /** Users who are to be tracked, as of now. Asked after {@link restore}; those who are not tracked will be. */
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
  /** The sync token that memory stands on; `undefined` before the first response, and while nothing is loaded. */
  readonly token: string | undefined;
  /** Whether a user is tracked. */
  isTracked(userId: UserId): boolean;
  /** `DeviceTracker.getDeviceKeys` */
  getDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser>;
  /** `DeviceTracker.watchDeviceKeys` */
  watchDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser>;
  /**
   * Applies and commits an event that comes from elsewhere than a response, in its place among the responses. Cold;
   * completes when it is durable, and goes on when it is unsubscribed.
   */
  commit(event: Event): Observable<never>;
  /** The same stream until the tracker is closed; then it completes. */
  alive<T>(source$: Observable<T>): Observable<T>;
  /** Runs an emission once everything is in memory that is being applied. */
  emit(emission: () => void): void;
  /** Reports a problem on `problems$`. */
  report(problem: TrackerProblem): void;
}
