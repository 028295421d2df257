import {
  catchError,
  defer,
  map,
  of,
  take,
  throwError,
  throwIfEmpty,
  timeout,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { VerificationFailedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { MAX_DELAY } from "../model/max-delay.js";
import type { SignatureVerifier } from "../trust/signature-verifier.js";
import type { Verification, Verified } from "../trust/verify-list.js";

/** What is allowed for each signature if there are many, in ms: JavaScript on a slow phone takes some. */
const TIME_PER_SIGNATURE = 5;

/**
 * Verifies all signatures of these users in one go, and concludes what follows for each. Fails with {@link
 * VerificationFailedError}.
 */
export function verifyAll(
  planned: ReadonlyMap<UserId, Verification>,
  ports: { readonly verifier: SignatureVerifier; readonly deadline: number; readonly scheduler: SchedulerLike },
): Observable<ReadonlyMap<UserId, Verified>> {
  const { verifier, deadline, scheduler } = ports;
  const checks = Array.from(planned.values()).flatMap((plan) => plan.checks);
  const first = Math.min(Math.max(deadline, checks.length * TIME_PER_SIGNATURE), MAX_DELAY);
  const results$ =
    checks.length === 0
      ? of([])
      : defer(() => verifier.verify(checks)).pipe(
          throwIfEmpty(() => new Error("it completed without a result")),
          timeout({
            first,
            scheduler,
            with: () => throwError(() => new Error(`it did not answer within ${first} ms`)),
          }),
          take(1),
          catchError((cause: unknown) => throwError(() => new VerificationFailedError(checks.length, { cause }))),
        );
  return results$.pipe(
    map((results) => {
      let next = 0;
      return new Map(
        Array.from(
          planned,
          ([
            userId,
            {
              checks: { length },
              conclude,
            },
          ]) => {
            next += length;
            return [userId, conclude(results.slice(next - length, next))];
          },
        ),
      );
    }),
  );
}
