import type { AxiosInstance } from "axios";
import {
  asyncScheduler,
  catchError,
  config,
  defaultIfEmpty,
  defer,
  expand,
  map,
  mergeMap,
  type Observable,
  of,
  type SchedulerLike,
  take,
  throwError,
  timeout as deadlineOf,
} from "rxjs";
import type { SyncResponse } from "../model/wire.js";
import { asError } from "./http-error.js";
import { request } from "./request.js";
import type { SyncFailed } from "./sync-failed.js";
import { afterAnswer, afterFailure, startFrom, type SyncPosition } from "./sync-position.js";
import { waitForRetry } from "./wait-for-retry.js";

/** How long the server may hold a poll unless the caller says otherwise, in ms. */
const DEFAULT_TIMEOUT = 30_000;
/** How much longer than that an answer is waited for, in ms: a dead connection must be noticed, a busy server may need its time. */
const DEADLINE_MARGIN = 60_000;
/** How long an initial sync may take, in ms: minutes, for large accounts. */
const INITIAL_SYNC_DEADLINE = 300_000;
/** How long `since$` may take, in ms; the same as the tracker gives its store. */
const SINCE_DEADLINE = 10_000;

/** How to sync; all of it optional. */
export interface SyncOptions {
  /** Where to start: the tracker's saved token, read once at each subscription; undefined or nothing means an initial sync. @default of(undefined) */
  readonly since$?: Observable<string | undefined>;
  /** How long the server may hold a poll that has no news, in ms. @default 30_000 */
  readonly timeout?: number;
  /**
   * A filter as an object, as JSON, or the ID of one that the server has. It may limit timelines, lazy-load members and drop presence:
   * `{ room: { timeline: { limit: 1 }, state: { lazy_load_members: true } }, presence: { types: [] } }`. It must not shut out rooms
   * (`rooms`, `not_rooms`) or member events (`types` without `m.room.member`, `not_types`): then the server no longer tells
   * who newly shares a room with us, nor anybody in `device_lists.left`, and keys are shared by yesterday's lists. @default none
   */
  readonly filter?: object | string;
  /** For waits, deadlines and clock readings. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
  /** Called with every failed attempt and the wait before the next. What it throws is reported and changes nothing. */
  readonly onFailure?: (failure: SyncFailed) => void;
}

/**
 * The account's sync responses, for ever: each as the server gave it, with `since`, the token that it answered (`null` for an initial sync).
 *
 * ```
 * GET /sync            --a---b-------X      ---c
 *                                     (wait)
 * syncResponses        --a---b----------------c--
 * ```
 *
 * 1. Without a saved token: an initial sync. With one: a poll that is not held (`timeout=0`), for an application that starts waits to
 *    hear that nothing, or what, was missed. So does one after a failure: it tells at once that the connection is back.
 * 2. Then one poll after another, each from the `next_batch` of the response before it, held for up to `timeout` ms. The next is sent
 *    once the response has been emitted, at once; only a server that answers early and without news several times in a row is
 *    asked more slowly, in the end every 2 s.
 * 3. After a failure it waits and asks the same again: 1 to 2 s, 2 to 4 s, … 30 to 60 s, with half of each left to chance; never
 *    sooner than the server asks (`retry_after_ms`, `Retry-After`), which counts up to one hour. The browser's `online` event
 *    ends a wait, though not the server's. An answer that is no sync response is a failure, and does not move the token.
 * 4. A `since` that the server does not know (400 `M_UNKNOWN`, `M_INVALID_PARAM`) is dropped: an initial sync follows. The tracker
 *    takes it for a gap. Likewise where `since$` fails or says nothing for 10 s.
 *
 * Fails, and only then, when the access token is refused for good (401 `M_UNKNOWN_TOKEN` after the one renewal that `matrixHttp`
 * tries, or `M_MISSING_TOKEN`) or the account is deactivated: with the `MatrixError`. A locked account is polled on, as the spec asks.
 * Never completes. Unsubscribing aborts the request or the wait. Cold: each subscription is a loop of its own, and **there must be no
 * other for the device**, here or anywhere: share it.
 *
 * **To-device messages.** `/sync?since=T` lets the server forget the to-device messages (room keys among them) of the response that
 * brought `T`. The request is sent as soon as that response has been *emitted*; RxJS has no way to hold it until a subscriber's
 * asynchronous work is done. An application that needs them therefore saves them first thing, before anything that may drop the response:
 * `syncResponses(…).pipe(concatMap((r) => save(r).pipe(map(() => r))))`. What a crash can then cost is what arrived and was not yet
 * saved when the next poll reached the server; a `save` that has already begun its write (one transaction, opened synchronously) keeps that
 * window small. Saving that fails must not be passed over: the tracker would save a token whose messages are gone.
 * For the same reason `save` should keep up: `concatMap` queues responses while it is slower than the server.
 *
 * @example
 * const sync$ = syncResponses(http, { since$: store.syncToken$, onFailure: ({ message }) => console.warn(message) });
 * // { next_batch: "s72_…", since: null, rooms: … }, { next_batch: "s73_…", since: "s72_…", device_lists: { changed: ["@bob:…"] } }, …
 * @see Matrix spec, client-server API, "Syncing", "Extensions to /sync" of "Send-to-Device messaging" and of "End-to-End Encryption"
 */
export function syncResponses(http: AxiosInstance, options: SyncOptions = {}): Observable<SyncResponse> {
  const { since$ = of(undefined), timeout = DEFAULT_TIMEOUT, filter, scheduler = asyncScheduler, onFailure } = options;
  const filtered = filter === undefined ? {} : { filter: typeof filter === "string" ? filter : JSON.stringify(filter) };
  const tell = (failure: SyncFailed): void => {
    try {
      onFailure?.(failure);
    } catch (error) {
      // Thrown on from here it would end the loop, and thrown later, as RxJS does it, it would end a Node process: over a line in a log.
      (config.onUnhandledError ?? console.error)(error);
    }
  };

  const start$ = since$.pipe(
    take(1),
    deadlineOf({ first: SINCE_DEADLINE, scheduler }),
    defaultIfEmpty(undefined),
    catchError((thrown: unknown) => {
      const error = asError(thrown);
      tell({
        type: "since-unreadable",
        error,
        attempt: 0,
        retryIn: 0,
        since: null,
        message: `the saved sync token cannot be read, sync starts with an initial sync: ${error.message}`,
      });
      return of(undefined);
    }),
    map(startFrom),
  );

  const poll = (position: SyncPosition): Observable<SyncPosition> =>
    defer(() => {
      const { since, catchUp } = position;
      const hold = since === undefined || catchUp ? 0 : timeout;
      const params = { ...(since === undefined ? {} : { since }), timeout: hold, ...filtered };
      const sentAt = scheduler.now();
      const deadline = since === undefined ? INITIAL_SYNC_DEADLINE : hold + DEADLINE_MARGIN;
      return request(http, { method: "GET", endpoint: "/sync", params, deadline }, scheduler).pipe(
        map((body) => afterAnswer(position, body, Math.max(0, scheduler.now() - sentAt), timeout)),
      );
    }).pipe(
      catchError((thrown: unknown) => {
        const error = asError(thrown);
        const { failed, next } = afterFailure(position, error, Math.random());
        tell(failed);
        return next === undefined ? throwError(() => error) : of(next);
      }),
    );

  const step = (position: SyncPosition): Observable<SyncPosition> =>
    position.wait.ms === 0
      ? poll(position)
      : waitForRetry(position.wait, scheduler).pipe(mergeMap(() => poll(position)));

  // expand() emits a position before it takes the step from it: the next request is sent when the response has been handed on.
  return start$.pipe(
    expand(step),
    mergeMap(({ response }) => (response === undefined ? [] : [response])),
  );
}
