import {
  catchError,
  defer,
  map,
  of,
  take,
  tap,
  throwError,
  throwIfEmpty,
  timeout,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import type { CountActivity } from "../model/activity.js";
import { VerificationFailedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { SignatureCheck, SignatureVerifier } from "../trust/signature-verifier.js";
import type { Verification, Verified } from "../trust/verify-list.js";

export interface VerifyPorts {
  readonly verifier: SignatureVerifier;
  /** How long to wait for the verifier, in ms; extended if there are many signatures. */
  readonly deadline: number;
  readonly scheduler: SchedulerLike;
  readonly count: CountActivity;
}

/** Time allowed per signature if there are many, in ms: JavaScript on a slow phone needs some. */
const TIME_PER_SIGNATURE = 5;

/**
 * Verifies all signatures of these users in one call, and derives the result for each. Fails with {@link
 * VerificationFailedError}.
 */
export function verifyAll(
  planned: ReadonlyMap<UserId, Verification>,
  ports: VerifyPorts,
): Observable<ReadonlyMap<UserId, Verified>> {
  const checks = Array.from(planned.values()).flatMap((plan) => plan.checks);
  const results$ = checks.length === 0 ? of([]) : verify(checks, ports);
  return results$.pipe(
    map((results) => {
      let next = 0;
      const concluded = new Map<UserId, Verified>();
      for (const [userId, plan] of planned) {
        concluded.set(userId, plan.conclude(results.slice(next, next + plan.checks.length)));
        next += plan.checks.length;
      }
      return concluded;
    }),
  );
}

function verify(
  checks: readonly SignatureCheck[],
  { verifier, deadline, scheduler, count }: VerifyPorts,
): Observable<readonly boolean[]> {
  const first = Math.min(Math.max(deadline, checks.length * TIME_PER_SIGNATURE), MAX_DELAY);
  return defer(() => verifier.verify(checks)).pipe(
    throwIfEmpty(() => new Error("it completed without a result")),
    timeout({ first, scheduler, with: () => throwError(() => new Error(`it did not answer within ${first} ms`)) }),
    take(1),
    tap(() => {
      count({ verified: checks.length });
    }),
    catchError((cause: unknown) => throwError(() => new VerificationFailedError(checks.length, { cause }))),
  );
}
