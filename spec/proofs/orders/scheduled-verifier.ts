import { Observable } from "rxjs";
import type { UserId } from "../../../src/model/ids.js";
import type { SignatureCheck, SignatureVerifier } from "../../../src/trust/signature-verifier.js";
import type { Page } from "../../properties/page.js";
import { FORGED, readCheck } from "../../properties/signed-device.js";

/** One verification, from its beginning to its answer. */
export interface Verification {
  readonly users: ReadonlySet<UserId>;
}

/** A page's verifier, each of whose answers is a task. */
export class ScheduledVerifier implements SignatureVerifier {
  /** Begun and not answered, oldest first. */
  readonly underWay = new Set<Verification>();
  readonly #page: Page;
  readonly #name: string;
  readonly #add: (label: string, task: () => void) => void;
  readonly #answered: (verification: Verification) => boolean;

  /** @param answered is told of an answer before it is given, and says whether the verifier fails instead */
  constructor(
    page: Page,
    name: string,
    add: (label: string, task: () => void) => void,
    answered: (verification: Verification) => boolean,
  ) {
    this.#page = page;
    this.#name = name;
    this.#add = add;
    this.#answered = answered;
  }

  verify(checks: readonly SignatureCheck[]): Observable<readonly boolean[]> {
    return new Observable((subscriber) => {
      const verification: Verification = { users: new Set(checks.map((check) => readCheck(check).user_id ?? "")) };
      this.underWay.add(verification);
      this.#add(`${this.#name}: ${checks.length} signatures are verified`, () => {
        if (this.#page.gone) return;
        const fails = this.#answered(verification);
        this.underWay.delete(verification);
        this.#page.verified(checks, fails);
        if (fails) subscriber.error(new Error("the verifier cannot work"));
        else {
          subscriber.next(checks.map(({ signature: [first] }) => first !== FORGED));
          subscriber.complete();
        }
      });
    });
  }
}
