import { defer, NEVER, tap, type Observable, type SchedulerLike } from "rxjs";
import type { SignatureCheck, SignatureVerifier } from "../../src/trust/signature-verifier.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { FORGED } from "./signed-device.js";

/** A page's verifier: each verification takes its own time, so that they overtake one another, and one may fail or hang. */
export class SlowVerifier implements SignatureVerifier {
  readonly #verifier: ScriptedVerifier;
  readonly #takes: readonly number[];
  readonly #ended: (checks: readonly SignatureCheck[], failed: boolean) => void;
  #turn = 0;
  #trouble: "fails" | "hangs" | undefined;

  /** @param takes the times that verifications take, in turn, in ms */
  constructor(
    scheduler: SchedulerLike,
    takes: readonly number[],
    ended: (checks: readonly SignatureCheck[], failed: boolean) => void,
  ) {
    this.#verifier = new ScriptedVerifier({ scheduler });
    this.#verifier.forged.add(FORGED);
    this.#takes = takes;
    this.#ended = ended;
  }

  /** What becomes of the next verification; `undefined`: nothing goes wrong any more. */
  set trouble(trouble: "fails" | "hangs" | undefined) {
    this.#trouble = trouble;
  }

  verify(checks: readonly SignatureCheck[]): Observable<readonly boolean[]> {
    return defer(() => {
      const trouble = this.#trouble;
      this.#trouble = undefined;
      if (trouble === "hangs") return NEVER;
      this.#verifier.takes = this.#takes[this.#turn++ % this.#takes.length] ?? 0;
      if (trouble === "fails") this.#verifier.failNext(new Error("the verifier cannot work"));
      return this.#verifier
        .verify(checks)
        .pipe(tap({ next: () => this.#ended(checks, false), error: () => this.#ended(checks, true) }));
    });
  }
}
