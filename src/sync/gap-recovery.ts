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

/** How a step relates to the token in memory. */
export type Placement =
  /** It begins there. */
  | "next"
  /** It leads there, so it has already been applied. */
  | "past"
  /**
   * It begins at a token that memory has passed, or leads to one that the chain has passed: its stream is behind, such
   * as that of a deposed leader.
   */
  | "late"
  /** Steps in between are missing. */
  | "gap";

export interface Standing {
  /** The token in memory. */
  readonly token: string | undefined;
  readonly passed: Pick<PassedTokens, "inMemory" | "inChain">;
  /** True if the step is the first one of its connection. */
  readonly isFirst: boolean;
}

/**
 * Places a step. A response without a known `since` follows the previous one, except as the first one of a connection:
 * other tabs and sessions may have moved on since the token was saved.
 */
export function placeStep(
  { since, next }: Pick<ParsedStep, "since" | "next">,
  { token, passed, isFirst }: Standing,
): Placement {
  if (next === undefined) return "next"; // it was not understood, so it moves no token
  if (since === undefined) return isFirst && token !== undefined ? "gap" : "next";
  if ((since ?? undefined) === token) return "next";
  if (next === token) return "past";
  // A store that has lost its token has passed none, and an initial sync begins another line of tokens.
  if (token === undefined || since === null) return "gap";
  return passed.inMemory(since) || passed.inChain(next) ? "late" : "gap";
}

export interface GapPorts {
  readonly ownUserId: UserId;
  /** Commits pending changes, and reads what other tabs committed. Fails if the store does. */
  readonly catchUp: () => Observable<void>;
  readonly standing: () => Standing;
  /** `GET /keys/changes`; `undefined` if gaps must not be closed in this way. */
  readonly changes: ((range: { readonly from: string; readonly to: string }) => Observable<unknown>) | undefined;
  readonly scheduler: SchedulerLike;
  /** How long to wait for the server's response, in ms. */
  readonly deadline: number;
  readonly report: (problem: TrackerProblem) => void;
}

/**
 * Closes the gap before a step. Emits the step that stands for the missing ones, if any, in parts if it is long, and
 * completes.
 *
 * 1. Pending changes are committed, and what other tabs committed is read: they may have received the missing steps.
 * 2. If steps are still missing, `GET /keys/changes` returns the users that changed in between. That is a step like any
 *    other.
 * 3. If that fails, any user may have left in between: all but our own become untracked.
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
  const isPartial = to !== step.next; // otherwise the step itself has nothing left to apply
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
      const message =
        `steps from "${from}" to "${to}" were missed; the server named who changed in them: ` +
        `${changed.length} changed, ${left.length} left`;
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
    `the sync response ${answered}, but the device lists stand on ${stand}, ` +
    "and who left in between cannot be learned: " +
    "all users but our own became untracked; call track() with the members of the encrypted rooms";
  return { type: "gap", from, to: since ?? null, caughtUp: false, ...(error !== undefined && { error }), message };
}
