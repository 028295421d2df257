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
import { afterFailure, afterResponse, startFrom, type SyncPosition } from "./sync-position.js";
import { waitForRetry } from "./wait-for-retry.js";

/** How long the server may hold a poll by default, in ms. */
const DEFAULT_TIMEOUT = 30_000;
/**
 * How much longer than that to wait for a response, in ms: a busy server needs time, but a dead connection must be
 * noticed.
 */
const DEADLINE_MARGIN = 60_000;
/** How long an initial sync may take, in ms: minutes for large accounts. */
const INITIAL_SYNC_DEADLINE = 300_000;
/** How long to wait for `since$`, in ms; as long as the tracker waits for its store. */
const SINCE_DEADLINE = 10_000;

/** How to sync. All optional. */
export interface SyncOptions {
  /**
   * The token to start from, read once per subscription: the tracker's saved token. If it emits `undefined` or nothing,
   * sync starts with an initial sync.
   * @default of(undefined)
   */
  readonly since$?: Observable<string | undefined>;
  /** How long the server may hold a poll without news, in ms. @default 30_000 */
  readonly timeout?: number;
  /**
   * A filter: an object, JSON, or the ID of a filter on the server. It may limit timelines, lazy-load members and
   * exclude presence:
   * `{ room: { timeline: { limit: 1 }, state: { lazy_load_members: true } }, presence: { types: [] } }`.
   *
   * It must not exclude rooms (`rooms`, `not_rooms`) or member events (`types` without `m.room.member`, `not_types`):
   * the server would not announce users who newly share a room with us, nor any in `device_lists.left`, and messages
   * would be encrypted for outdated lists.
   * @default none
   */
  readonly filter?: object | string;
  /** For waits, deadlines and the clock. @default asyncScheduler */
  readonly scheduler?: SchedulerLike;
  /**
   * Called with each failed attempt and the wait before the next one. An error that it throws is reported and has no
   * other effect.
   */
  readonly onFailure?: (failure: SyncFailed) => void;
}

/**
 * Syncs for ever and emits each response as the server sent it, with `since`, the token of the request (`null` for an
 * initial sync).
 *
 * ```
 * GET /sync            --a---b-------X      ---c
 *                                     (wait)
 * syncResponses        --a---b----------------c--
 * ```
 *
 * 1. Without a saved token, it starts with an initial sync. With one, it starts with a poll that the server does not
 *    hold (`timeout=0`), for applications that wait to learn what they missed, if anything. So does the first poll
 *    after a failure, which shows at once that the connection is back.
 * 2. Then it polls again and again from the `next_batch` of the previous response, held for up to `timeout` ms. The
 *    next request is sent as soon as the response has been emitted. Only a server that returns early without news
 *    several times in a row is polled more slowly, down to every 2 s.
 * 3. After a failure, it waits and repeats the request: 1 to 2 s, 2 to 4 s, … 30 to 60 s, half of each wait being
 *    random, and never sooner than the server says (`retry_after_ms`, `Retry-After`), up to one hour. The browser's
 *    `online` event ends a wait, but not one that the server requires. An invalid response is a failure, too, and does
 *    not move the token.
 * 4. A `since` that the server does not know (400 `M_UNKNOWN`, `M_INVALID_PARAM`) is dropped, and an initial sync
 *    follows, which the tracker handles as a gap. The same happens if `since$` fails or does not emit within 10 s.
 *
 * Fails only if the access token is refused for good (401 `M_UNKNOWN_TOKEN` after the renewal that `matrixHttp` tries,
 * or `M_MISSING_TOKEN`) or the account is deactivated, with the `MatrixError`. A locked account is polled on, as the
 * spec recommends. Never completes. Unsubscribing aborts the request or the wait. Cold: each subscription runs its own
 * loop, and **there must not be another one for the device**, here or anywhere else: share it.
 *
 * **To-device messages.** `/sync?since=T` allows the server to delete the to-device messages (room keys among them) of
 * the response that contained `T`. The request is sent as soon as that response has been *emitted*; RxJS cannot delay
 * it until a subscriber's asynchronous work is done. An application that needs these messages must therefore save them
 * first, before anything that may drop the response:
 *
 * ```ts
 * syncResponses(…).pipe(concatMap((response) => save(response).pipe(map(() => response))))
 * ```
 *
 * A crash can then lose only messages that were not saved yet when the next request reached the server; a `save` that
 * starts its write at once (one transaction, opened synchronously) keeps that window small. A failure of `save` must
 * not be ignored, or the tracker would save a token whose messages are lost. `save` should also be fast: `concatMap`
 * queues responses while it is slower than the server.
 *
 * @example
 * const sync$ = syncResponses(http, { since$: store.syncToken$, onFailure: ({ message }) => console.warn(message) });
 * // { next_batch: "s72_…", since: null, rooms: … }
 * // { next_batch: "s73_…", since: "s72_…", device_lists: { changed: ["@bob:…"] } }, …
 * @see Matrix spec, client-server API, "Syncing", "Extensions to /sync" of "Send-to-Device messaging" and of
 *   "End-to-End Encryption"
 */
export function syncResponses(http: AxiosInstance, options: SyncOptions = {}): Observable<SyncResponse> {
  const { since$ = of(undefined), timeout = DEFAULT_TIMEOUT, filter, scheduler = asyncScheduler, onFailure } = options;
  const filtered = filter === undefined ? {} : { filter: typeof filter === "string" ? filter : JSON.stringify(filter) };
  const report = reporter(onFailure);

  const poll = (position: SyncPosition): Observable<SyncPosition> =>
    defer(() => {
      const { since, catchUp } = position;
      const hold = since === undefined || catchUp ? 0 : timeout;
      const params = { ...(since === undefined ? {} : { since }), timeout: hold, ...filtered };
      const sentAt = scheduler.now();
      const deadline = since === undefined ? INITIAL_SYNC_DEADLINE : hold + DEADLINE_MARGIN;
      return request(http, { method: "GET", endpoint: "/sync", params, deadline }, scheduler).pipe(
        map((body) => afterResponse(position, body, Math.max(0, scheduler.now() - sentAt), timeout)),
      );
    }).pipe(catchError((thrown: unknown) => recover(position, asError(thrown), report)));

  const next = (position: SyncPosition): Observable<SyncPosition> =>
    position.wait.ms === 0
      ? poll(position)
      : waitForRetry(position.wait, scheduler).pipe(mergeMap(() => poll(position)));

  // expand() emits a position before it subscribes to the next one, so a request is sent after the response has been
  // emitted.
  return startPosition(since$, scheduler, report).pipe(
    expand(next),
    mergeMap(({ response }) => (response === undefined ? [] : [response])),
  );
}

type Report = (failure: SyncFailed) => void;

function reporter(onFailure: Report | undefined): Report {
  return (failure) => {
    try {
      onFailure?.(failure);
    } catch (error) {
      // Rethrown here, it would end the loop; thrown asynchronously, as RxJS does, it would end a Node process because
      // of a log entry.
      (config.onUnhandledError ?? console.error)(error);
    }
  };
}

function startPosition(
  since$: Observable<string | undefined>,
  scheduler: SchedulerLike,
  report: Report,
): Observable<SyncPosition> {
  return since$.pipe(
    take(1),
    deadlineOf({ first: SINCE_DEADLINE, scheduler }),
    defaultIfEmpty(undefined),
    catchError((thrown: unknown) => {
      const error = asError(thrown);
      const message = `the saved sync token cannot be read, sync starts with an initial sync: ${error.message}`;
      report({ type: "since-unreadable", error, attempt: 0, retryIn: 0, since: null, message });
      return of(undefined);
    }),
    map(startFrom),
  );
}

function recover(position: SyncPosition, error: Error, report: Report): Observable<SyncPosition> {
  const { failed, next } = afterFailure(position, error, Math.random());
  report(failed);
  return next === undefined ? throwError(() => error) : of(next);
}
