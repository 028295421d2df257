import type { AxiosInstance } from "axios";
import {
  asyncScheduler,
  catchError,
  concat,
  config,
  defaultIfEmpty,
  defer,
  expand,
  ignoreElements,
  map,
  mergeMap,
  type Observable,
  of,
  race,
  type SchedulerLike,
  type Subject,
  take,
  throwError,
  timeout as deadlineOf,
} from "rxjs";
import type { SyncResponse } from "../model/wire.js";
import { asError } from "./http-error.js";
import { online } from "./online.js";
import type { SyncFailed } from "./sync-failed.js";
import { syncFailures } from "./sync-failures.js";
import type { PollOptions } from "./sync-options.js";
import {
  afterFailedSave,
  afterFailure,
  afterResponse,
  deadlineAt,
  type Failure,
  repeatOf,
  startFrom,
  type SyncPosition,
} from "./sync-position.js";
import { checkTimeout } from "./timeout.js";
import { waitForRetry } from "./wait-for-retry.js";

/** How long the server may hold a poll by default, in ms. */
const DEFAULT_TIMEOUT = 30_000;
/** How much longer to wait for a response, in ms: a busy server needs time, but a dead connection must be noticed. */
const DEADLINE_MARGIN = 60_000;
/** How long an initial sync may take at first, in ms: minutes for large accounts. */
const INITIAL_SYNC_DEADLINE = 300_000;
/** How long to wait for `since$`, in ms; as long as the tracker waits for its store. */
const SINCE_DEADLINE = 10_000;

/** A poll to send. */
export interface Poll {
  /** The token to continue from; `undefined` for an initial sync. */
  readonly since: string | undefined;
  /** How long the server may hold it, in ms. */
  readonly hold: number;
  /** How long to wait for the response, in ms. */
  readonly deadline: number;
  readonly scheduler: SchedulerLike;
}

/** The endpoint that is polled. */
export interface PollApi {
  /** Sends a poll on subscription, and emits its response in the form of a `GET /sync` response. */
  readonly poll: (poll: Poll) => Observable<Readonly<Record<string, unknown>>>;
  /** Returns true if the failure shows that the server does not have the endpoint. */
  readonly isUnsupported?: (error: Error) => boolean;
}

/**
 * The loop of `syncResponses` and `slidingSyncResponses`.
 *
 * @throws RangeError at once if `timeout` is not a whole number of ms from 0
 */
export function pollForever(http: AxiosInstance, api: PollApi, options: PollOptions): Observable<SyncResponse> {
  const { since$ = of(undefined), timeout = DEFAULT_TIMEOUT, save, onFailure } = options;
  const { scheduler = asyncScheduler } = options;
  checkTimeout(timeout);
  const report = reporter(onFailure, syncFailures(http));

  const poll = (position: SyncPosition): Observable<SyncPosition> =>
    defer(() => {
      const { since, catchUp } = position;
      const hold = since === undefined || catchUp ? 0 : timeout;
      const sentAt = scheduler.now();
      const deadline = deadlineAt(position, since === undefined ? INITIAL_SYNC_DEADLINE : hold + DEADLINE_MARGIN);
      return api
        .poll({ since, hold, deadline, scheduler })
        .pipe(map((body) => afterResponse(position, body, Math.max(0, scheduler.now() - sentAt), timeout)));
    }).pipe(
      catchError((thrown: unknown) => {
        const error = asError(thrown);
        return recover(afterFailure(position, error, Math.random(), api.isUnsupported?.(error)), report);
      }),
    );

  const saved = (before: SyncPosition, after: SyncPosition): Observable<SyncPosition> => {
    const { response } = after;
    if (save === undefined || response === undefined) return of(after);
    return concat(defer(() => save(response)).pipe(ignoreElements()), of(after)).pipe(
      catchError((thrown: unknown) => recover(afterFailedSave(before, asError(thrown), Math.random()), report)),
    );
  };

  const next = (position: SyncPosition): Observable<SyncPosition> => {
    const wait$ = position.wait.ms === 0 ? of(0) : waitForRetry(position.wait, scheduler);
    // A poll that was sent while the connection was lost may hang until its deadline.
    const repeat$ = online().pipe(
      take(1),
      map(() => repeatOf(position)),
    );
    return wait$.pipe(
      mergeMap(() => race(poll(position), repeat$)),
      mergeMap((after) => saved(position, after)),
    );
  };

  // expand() emits a position before it subscribes to the next one, so a request is sent only after the previous
  // response has been emitted.
  return startPosition(since$, scheduler, report).pipe(
    expand(next),
    mergeMap(({ response }) => (response === undefined ? [] : [response])),
  );
}

type Report = (failure: SyncFailed) => void;

function reporter(onFailure: Report | undefined, failures$: Subject<SyncFailed>): Report {
  return (failure) => {
    failures$.next(failure);
    try {
      onFailure?.(failure);
    } catch (error) {
      // If rethrown here, it would end the loop; if thrown asynchronously, as RxJS does, it would end a Node process
      // because of a log entry.
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

function recover({ failed, next }: Failure, report: Report): Observable<SyncPosition> {
  report(failed);
  return next === undefined ? throwError(() => failed.error) : of(next);
}
