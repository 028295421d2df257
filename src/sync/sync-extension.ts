import type { Observable, SchedulerLike } from "rxjs";
import type { UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceChanges, DeviceKeysByUser } from "../model/results.js";
import type { SyncResponse } from "../model/wire.js";

/**
 * Commits more of a sync response in the transaction that moves the sync token, such as rooms, or to-device messages
 * that must not get lost.
 *
 * An extension is a fold over events. It reads each response once, in the tab that received it, and returns events as
 * plain data. The tracker commits them with the token, all or nothing, and every tracker on the store applies them, in
 * the order of the commits. The result is saved with the tracker's own snapshots.
 *
 *     response ─▶ read() ─▶ events ─▶ memory: apply()  ─▶ one commit: device lists, events, token
 *                                          ▲                         │
 *     another tab, a reload, a restart ────┴─────────────────────────┘
 *
 * - Events are applied in memory at once, before their commit, and again if the commit is rebased onto those of other
 *   tabs. So an event must be idempotent: a fact ("Bob is a member"), not a difference.
 * - A response may be late: its stream is behind another tab's, or ahead of it. Its events are dropped, except those
 *   that {@link late} keeps.
 * - If responses were missed, {@link missed} is called instead.
 *
 * If an extension throws, no stream fails: the error is reported on `problems$` (`extension-failed`), and the extension
 * has missed the response.
 *
 * An extension belongs to one tracker. All trackers on a store must have the same extensions: if a tracker without it
 * receives a response, the extension has missed that response.
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
  /** Names its events and records in the store. Unique among a tracker's extensions. */
  readonly name: string;
  /** Called once, by the tracker's constructor. */
  attach(tracker: ExtendedTracker<Event>): void;
  /**
   * Resets memory to the last saved {@link records}. Events committed since are then applied one by one.
   * @param records empty in a new store; `undefined` if they are lost, or if the store was used without the extension
   */
  restore(records: readonly unknown[] | undefined): void;
  /** Returns what to commit of a response, structured-cloneable. Called once for each response, in order. */
  read(response: SyncResponse): readonly Event[];
  /**
   * Returns what to keep of the events of a late response: they may already be committed, or come again in another
   * order. The result must not affect the tracked users. By default, nothing is kept.
   */
  late?(events: readonly Event[]): readonly Event[];
  /**
   * Applies an event in memory. Returns its effects on the tracked users, which are committed with it: `changed` users
   * become tracked and outdated, unless the response lists them in `left`; `left` users become untracked.
   * @param token the sync token in memory after the event's step
   */
  apply(event: Event, token: string | undefined): DeviceChanges | undefined;
  /**
   * Responses were missed: their content is unknown.
   * @param token the sync token that they led to; `undefined` if nothing is known of them
   */
  missed(token: string | undefined): void;
  /** Returns all that memory knows, structured-cloneable, for {@link restore}. A record may have some 100 kB. */
  records(): readonly unknown[];
  /**
   * Returns events that describe all that memory knows. They are committed to a store that could not be opened before,
   * on top of what it holds. If another tab moves the head first, they are applied on top of another token than
   * memory's current one.
   */
  summary(): readonly Event[];
  /** Returns all users to track. Called after {@link restore}: users that are not tracked yet become tracked. */
  trackedUsers(): Iterable<UserId>;
}

/** The tracker, as its extensions see it. */
export interface ExtendedTracker<Event = unknown> {
  readonly userId: UserId;
  readonly scheduler: SchedulerLike;
  /**
   * Emits and completes once the saved state is loaded and no response is known to be missing. Fails as a lookup does.
   */
  readonly ready$: Observable<void>;
  /** True if the saved state is loaded and all received responses are applied. */
  readonly isReady: boolean;
  /** The sync token in memory; `undefined` before the first response, and until the state is loaded. */
  readonly token: string | undefined;
  isTracked(userId: UserId): boolean;
  /** `DeviceTracker.getDeviceKeys` */
  getDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser>;
  /** `DeviceTracker.watchDeviceKeys` */
  watchDeviceKeys(users: Iterable<UserId>): Observable<DeviceKeysByUser>;
  /**
   * Applies and commits an event that does not come from a response, in order with the responses. Cold; completes when
   * durable. Unsubscribing does not cancel it.
   */
  commit(event: Event): Observable<never>;
  /** Mirrors a stream until the tracker is closed, then completes. */
  alive<T>(source$: Observable<T>): Observable<T>;
  /** Runs an emission once the change that is being applied is complete in memory. */
  emit(emission: () => void): void;
  /** Reports a problem on `problems$`. */
  report(problem: TrackerProblem): void;
}
