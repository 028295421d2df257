import { concatMap, defer, of, throwError, timer, type Observable, type SchedulerLike } from "rxjs";
import type { SignatureCheck, SignatureVerifier } from "../trust/signature-verifier.js";

export interface ScriptedVerifierOptions {
  readonly scheduler: SchedulerLike;
  /** How long it takes, in ms; 0 answers synchronously. @default 0 */
  readonly takes?: number;
}

/**
 * A verifier in virtual time, which computes nothing: every signature holds, apart from those that are {@link forged}.
 *
 * @example
 * const verifier = new ScriptedVerifier({ scheduler: testScheduler, takes: 2 });
 */
export class ScriptedVerifier implements SignatureVerifier {
  /** Signatures that do not hold, by their first byte. */
  readonly forged = new Set<number>();
  /** Every signature that it was asked about so far. */
  readonly asked: SignatureCheck[] = [];
  takes: number;
  readonly #scheduler: SchedulerLike;
  readonly #failures: unknown[] = [];

  constructor({ scheduler, takes = 0 }: ScriptedVerifierOptions) {
    this.#scheduler = scheduler;
    this.takes = takes;
  }

  /** The next call fails with this error, at the time when it would have been answered. */
  failNext(error: unknown): void {
    this.#failures.push(error);
  }

  verify(checks: readonly SignatureCheck[]): Observable<readonly boolean[]> {
    return defer(() => {
      this.asked.push(...checks);
      const failing = this.#failures.length > 0;
      const failure = this.#failures.shift();
      const holds$ = failing
        ? throwError(() => failure)
        : of(checks.map(({ signature: [first = 0] }) => !this.forged.has(first)));
      return this.takes === 0 ? holds$ : timer(this.takes, this.#scheduler).pipe(concatMap(() => holds$));
    });
  }
}
