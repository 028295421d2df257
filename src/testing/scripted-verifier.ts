import { concatMap, defer, of, throwError, timer, type Observable, type SchedulerLike } from "rxjs";
import type { SignatureCheck, SignatureVerifier } from "../trust/signature-verifier.js";

export interface ScriptedVerifierOptions {
  readonly scheduler: SchedulerLike;
  /** How long each call takes, in ms; 0 emits synchronously. @default 0 */
  readonly takes?: number;
}

/**
 * A verifier in virtual time that computes nothing: every signature is valid unless it is in {@link forged}.
 *
 * @example
 * const verifier = new ScriptedVerifier({ scheduler: testScheduler, takes: 2 });
 */
export class ScriptedVerifier implements SignatureVerifier {
  /** Invalid signatures, by their first byte. */
  readonly forged = new Set<number>();
  /** All requested signature checks so far, in order. */
  readonly asked: SignatureCheck[] = [];
  takes: number;
  readonly #scheduler: SchedulerLike;
  readonly #failures: unknown[] = [];

  constructor({ scheduler, takes = 0 }: ScriptedVerifierOptions) {
    this.#scheduler = scheduler;
    this.takes = takes;
  }

  /** Makes the next call fail with this error, at the time of its result. */
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
