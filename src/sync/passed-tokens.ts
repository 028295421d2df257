/** Tokens that are remembered. Responses of a stream that is behind arrive within a few polls of the take-over. */
const MAX_PASSED = 100;

/** The tokens that memory has stood on, except the current one. */
export class PassedTokens {
  readonly #passed = new Set<string>(); // oldest first
  #token: string | undefined;

  constructor(token: string | undefined) {
    this.#token = token;
  }

  get tokens(): ReadonlySet<string> {
    return this.#passed;
  }

  /** Memory stands in another line of tokens now, and has not passed the one that it stood on in its own. */
  standOn(token: string | undefined): void {
    this.#token = token;
  }

  /** Memory stands on this token now. */
  moveTo(token: string | undefined): void {
    if (token === this.#token) return;
    if (this.#token !== undefined) this.#passed.add(this.#token);
    this.#token = token;
    const [oldest] = this.#passed;
    if (this.#passed.size > MAX_PASSED && oldest !== undefined) this.#passed.delete(oldest);
  }
}
