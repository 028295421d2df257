import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  ignoreElements,
  of,
  take,
  throwError,
  throwIfEmpty,
  timeout,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { InvalidResponseError, StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { TrackerProblem } from "../model/problems.js";
import type { SyncStep } from "../store/change.js";
import { splitStep } from "./long-lists.js";
import { parseChanges, type ParsedStep } from "./parse-step.js";
import type { PassedTokens } from "./passed-tokens.js";
import { refusedIds } from "./refused-ids.js";

/** How a step relates to the token that memory stands on. */
export type Placement =
  /** It begins there. */
  | "next"
  /** It leads there: it has been applied. */
  | "past"
  /**
   * It begins at a token that memory stood on, or leads to one that the chain has passed: it is of a stream that is
   * behind, such as a deposed leader's.
   */
  | "late"
  /** Steps in between are missing. */
  | "gap";

/** What a step is placed by. */
export interface Standing {
  /** The token that memory stands on. */
  readonly token: string | undefined;
  readonly passed: Pick<PassedTokens, "inMemory" | "inChain">;
  /** Whether the step is the first one of its connection. */
  readonly isFirst: boolean;
}

/**
 * Where a step belongs. A response that does not say what it answered follows the one before it, except as the first
 * one of a connection: other tabs and other sessions may have moved on since the token was saved.
 */
export function placeStep(
  { since, next }: Pick<ParsedStep, "since" | "next">,
  { token, passed, isFirst }: Standing,
): Placement {
  if (next === undefined) return "next"; // it was not understood: it moves no token
  if (since === undefined) return isFirst && token !== undefined ? "gap" : "next";
  if ((since ?? undefined) === token) return "next";
  if (next === token) return "past";
  // A store that has lost its token has passed none, and an initial sync begins another line of tokens.
  if (token === undefined || since === null) return "gap";
  return passed.inMemory(since) || passed.inChain(next) ? "late" : "gap";
}

/** What closing a gap needs. */
export interface GapPorts {
  readonly ownUserId: UserId;
  /** Commits what is pending, and reads what other tabs committed. Fails if the store does. */
  readonly catchUp: () => Observable<void>;
  /** Where memory stands. */
  readonly standing: () => Standing;
  /** `GET /keys/changes`; `undefined` if gaps are not to be closed in this way. */
  readonly changes: ((range: { readonly from: string; readonly to: string }) => Observable<unknown>) | undefined;
  readonly scheduler: SchedulerLike;
  /** How long the server's response is waited for, in ms. */
  readonly deadline: number;
  readonly report: (problem: TrackerProblem) => void;
}

/**
 * Closes the gap before a step. Emits the step that stands for the missing ones, if there are any, in parts if it is
 * long, and completes.
 *
 * 1. What is pending is committed, and what other tabs committed is read: they may have been given the missing steps.
 * 2. If steps are still missing, the server is asked who changed in between (`GET /keys/changes`). That is a step like
 *    any other.
 * 3. If it cannot say, any user may have left in between: all but our own become untracked.
 *
 * While the store fails, the gap is closed from memory's token. Fails only with {@link StoreClearedError}.
 */
export function closeGap(step: ParsedStep, ports: GapPorts): Observable<SyncStep> {
  const { catchUp, standing } = ports;
  const caughtUp$ = defer(catchUp).pipe(
    catchError((error: unknown) => (error instanceof StoreClearedError ? throwError(() => error) : EMPTY)),
    ignoreElements(),
  );
  const missing$ = defer(() => {
    const stand = standing();
    return placeStep(step, stand) === "gap" ? missingStep(step, stand.token, ports) : EMPTY;
  });
  return concat(caughtUp$, missing$);
}

function missingStep(step: ParsedStep, from: string | undefined, ports: GapPorts): Observable<SyncStep> {
  const { ownUserId, changes, scheduler, deadline, report } = ports;
  const to = step.since ?? step.next;
  const isPartial = to !== step.next; // otherwise nothing is left of the step itself
  const untracked = (error?: unknown): SyncStep => {
    report(gapProblem(from, step.since, error));
    return {
      type: "step",
      since: from,
      next: to,
      changed: [],
      left: [],
      everyone: "untracked",
      isPartial,
      isGap: true,
    };
  };
  if (changes === undefined || from === undefined || to === undefined) return of(untracked());
  return defer(() => changes({ from, to })).pipe(
    throwIfEmpty(() => new InvalidResponseError("/keys/changes", "", "there")),
    timeout({
      first: Math.min(deadline, MAX_DELAY),
      scheduler,
      with: () => throwError(() => new Error(`/keys/changes was not answered within ${deadline} ms`)),
    }),
    take(1),
    concatMap((response) => {
      const { changed, left, refusedIds: refused } = parseChanges(response, ownUserId);
      const problem = refusedIds("keys_changes", refused);
      if (problem !== undefined) report(problem);
      const message = `steps from "${from}" to "${to}" were missed; the server named who changed in them: ${changed.length} changed, ${left.length} left`;
      report({ type: "gap", from, to, caughtUp: true, message });
      return splitStep({ type: "step", since: from, next: to, changed, left, isPartial, isGap: true });
    }),
    catchError((error: unknown) => of(untracked(error))),
  );
}

function gapProblem(from: string | undefined, since: string | null | undefined, error: unknown): TrackerProblem {
  const answered =
    since === undefined
      ? "does not say what it answered"
      : since === null
        ? "is an initial sync"
        : `answers "${since}"`;
  const stand = from === undefined ? "no token" : `"${from}"`;
  const message =
    `the sync response ${answered}, but the device lists stand on ${stand}, and who left in between cannot be learned: ` +
    "all users but our own became untracked; call track() with the members of the encrypted rooms";
  return { type: "gap", from, to: since ?? null, caughtUp: false, ...(error !== undefined && { error }), message };
}
