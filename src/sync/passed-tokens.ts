/** Tokens that are remembered. Responses of a stream that is behind arrive within a few polls of the take-over. */
const MAX_PASSED = 100;

/** What was read of a chain: where it stands, and which tokens its log says it has passed. */
export interface ReadChain {
  readonly state: { readonly token: string | undefined };
  readonly hasPassed: (token: string) => boolean;
}

/** The tokens that memory has stood on, and those that the chain had passed when it was read; not the current one. */
export class PassedTokens {
  readonly #passed = new Set<string>(); // oldest first
  #token: string | undefined;
  #hasPassed: ReadChain["hasPassed"];

  constructor({ state, hasPassed }: ReadChain) {
    this.#token = state.token;
    this.#hasPassed = hasPassed;
  }

  /** Whether memory stood on it before. */
  inMemory(token: string): boolean {
    return this.#passed.has(token);
  }

  /**
   * Whether the chain has passed it, while memory followed or before it was read: then what leads to it is committed.
   * A page may have been given its first response before it had read that another tab committed more.
   */
  inChain(token: string): boolean {
    return this.inMemory(token) || this.#hasPassed(token);
  }

  /** Memory stands in another line of tokens now, and has not passed the one that it stood on in its own. */
  standOn({ state, hasPassed }: ReadChain): void {
    this.#token = state.token;
    this.#hasPassed = hasPassed;
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
