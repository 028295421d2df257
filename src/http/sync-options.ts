import type { Observable, ObservableInput, SchedulerLike } from "rxjs";
import type { SyncResponse } from "../model/wire.js";
import type { SyncFailed } from "./sync-failed.js";

/** How to poll. All optional. */
export interface PollOptions {
  /**
   * The token to start from, read once per subscription: the tracker's saved token. If it emits `undefined` or nothing,
   * sync starts with an initial sync.
   * @default of(undefined)
   */
  readonly since$?: Observable<string | undefined>;
  /** How long the server may hold a poll without news, in whole ms from 0. @default 30_000 */
  readonly timeout?: number;
  /**
   * Saves other contents of a response, such as to-device messages. Once it has completed, the response is emitted and
   * the next poll sent; its values are ignored. If it fails, the response is not emitted, and the same poll is repeated
   * like a failed one, so `save` may get the same messages again.
   * @default none
   */
  readonly save?: (response: SyncResponse) => ObservableInput<unknown>;
  /** For waits, deadlines and the clock. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
  /**
   * Called with each failed attempt and the wait before the next one. An error that it throws is reported, with no
   * other effect.
   */
  readonly onFailure?: (failure: SyncFailed) => void;
}

/** How to sync. All optional. */
export interface SyncOptions extends PollOptions {
  /**
   * A filter: an object, JSON, or the ID of a filter on the server. It may limit timelines, lazy-load members and
   * exclude presence: `{ room: { timeline: { limit: 1 }, state: { lazy_load_members: true } }, presence: { types: [] }
   * }`.
   *
   * With `lazy_load_members`, Synapse omits users that leave before the events of a limited timeline. `EncryptedRooms`
   * then fetches the members; without it, do not combine lazy loading with a limit.
   *
   * It must not exclude rooms (`rooms`, `not_rooms`) or member events (`types` without `m.room.member`, `not_types`):
   * the server would not announce users that newly share a room with us, nor any in `device_lists.left`, and messages
   * would be encrypted for outdated lists.
   * @default none
   */
  readonly filter?: object | string;
}
