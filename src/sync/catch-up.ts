import {
  catchError,
  concat,
  defer,
  map,
  mergeMap,
  of,
  switchMap,
  take,
  throwError,
  throwIfEmpty,
  timeout,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { InvalidResponseError, StoreClearedError, StoreTimedOutError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { TrackerProblem } from "../model/problems.js";
import type { SavedAccount } from "../store/load.js";
import type { WriteQueue } from "../store/write-queue.js";
import { parseMissedSteps, type Step } from "./step.js";
import type { TrackedUsers } from "./tracked-users.js";

/** What closing a gap needs. */
export interface CatchUpPorts {
  readonly ownUserId: UserId;
  readonly tracked: TrackedUsers;
  readonly writes: WriteQueue;
  /** Reads the saved state again. */
  readonly readAccount: () => Observable<SavedAccount>;
  /** `GET /keys/changes` */
  readonly changes: (range: { readonly from: string; readonly to: string }) => Observable<unknown>;
  readonly scheduler: SchedulerLike;
  /** How long own commits are waited for, in ms. */
  readonly storeDeadline: number;
  /** How long the server's answer is waited for, in ms. */
  readonly changesDeadline: number;
  readonly report: (problem: TrackerProblem) => void;
}

/**
 * Whether steps between the token on which memory stands and the one that this step answers were missed: the application keeps its own token, the store was
 * restored, the tab was frozen. An initial sync answers none: whatever was fetched before it may be older than it. A step that leads where memory
 * stands already is one given twice.
 */
export function isGap({ since, next }: Step, token: string | undefined): boolean {
  if (since === undefined || since === token) return false;
  return since === null || since === next || next !== token;
}

/**
 * Closes the gap before a step: emits the steps that are then to be applied, of which the last is this one.
 *
 * 1. What this tracker has applied is committed, so that the store's state is as new as memory's.
 * 2. Memory takes over the store's state: another tab may have been given the missing steps.
 * 3. Where the store never stood on the token that the step answers, the server is asked who changed since the saved one (`GET /keys/changes`), and that is
 *    a step like any other: committed in one transaction with the token it leads to.
 * 4. Where that fails, or there is no token to ask from, every list is outdated with the step.
 *
 * Until then nothing in memory may be called current: see {@link TrackedUsers.doubt}. Fails with {@link StoreClearedError} only.
 */
export function closeGap(step: Step, ports: CatchUpPorts): Observable<Step> {
  const { tracked, writes, readAccount, scheduler, storeDeadline, report } = ports;
  const from = tracked.token;
  const everyone = (error?: unknown): Step => {
    if (from !== undefined || step.since !== null) {
      const message = `the sync response answers ${named(step.since)}, but the device lists stand on ${named(from)}, and who changed in between is not to be learned: all of them became outdated`;
      report({
        type: "gap",
        from,
        to: step.since ?? null,
        caughtUp: false,
        ...(error !== undefined && { error }),
        message,
      });
    }
    return { ...step, everyone: true };
  };
  if (writes.failing) return of(everyone(new Error("the device store fails")));
  const committed$ = writes
    .written()
    .pipe(
      timeout({
        first: Math.min(storeDeadline, MAX_DELAY),
        scheduler,
        with: () => throwError(() => new StoreTimedOutError(storeDeadline)),
      }),
    );
  const reloaded$ = defer(readAccount).pipe(
    switchMap((account) => {
      tracked.reloaded(account.token, account.users);
      return askForMissed(step, account, ports);
    }),
  );
  return concat(committed$, reloaded$).pipe(
    map((closed) => (closed === "unknown" ? everyone() : closed)),
    catchError((error: unknown) =>
      error instanceof StoreClearedError ? throwError(() => error) : of(everyone(error)),
    ),
  );
}

function askForMissed(
  step: Step,
  { token, steps: path }: SavedAccount,
  ports: CatchUpPorts,
): Observable<Step | "unknown"> {
  const { ownUserId, changes, scheduler, changesDeadline, report } = ports;
  const { since } = step;
  if (
    typeof since === "string" &&
    (since === token || path.some((known) => known.since === since || known.next === since))
  )
    return of(step);
  const to = since ?? step.next;
  if (token === undefined || to === undefined) return of("unknown");
  if (token === to) return of(step); // an initial sync that leads where the store stands: nothing is missing
  const range = { from: token, to };
  return defer(() => changes(range)).pipe(
    throwIfEmpty(() => new InvalidResponseError("/keys/changes", "", "there")),
    timeout({
      first: Math.min(changesDeadline, MAX_DELAY),
      scheduler,
      with: () => throwError(() => new Error(`/keys/changes was not answered within ${changesDeadline} ms`)),
    }),
    take(1),
    map((answer) => parseMissedSteps(answer, range, ownUserId)),
    mergeMap((missed) => {
      report({
        type: "gap",
        from: token,
        to,
        caughtUp: true,
        message: `steps from "${token}" to "${to}" were missed; the server has told who changed in them: ${missed.changed.length} changed, ${missed.left.length} left`,
      });
      return [missed, step];
    }),
  );
}

const named = (token: string | null | undefined): string =>
  token === undefined ? "none" : token === null ? "no token" : `the token "${token}"`;
