import type { SyncStep } from "../store/change.js";

/** Tokens that are remembered. Responses of a stream that is behind arrive within a few polls of the take-over. */
const MAX_PASSED = 100;

/** What was read of a chain: where it stands, and which tokens its log says it has passed. */
export interface ReadChain {
  readonly state: { readonly token: string | undefined };
  readonly passed: ReadonlySet<string>;
}

/** The tokens that memory has stood on, and those that the chain had passed when it was read; not the current one. */
export class PassedTokens {
  readonly #passed = new Set<string>(); // oldest first
  #token: string | undefined;
  #inLog: ReadonlySet<string>;

  constructor({ state, passed }: ReadChain) {
    this.#token = state.token;
    this.#inLog = passed;
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
    return this.inMemory(token) || this.#inLog.has(token);
  }

  /** The chain was read again, as a whole: memory has not followed all of it. */
  reread({ passed }: Pick<ReadChain, "passed">): void {
    this.#inLog = passed;
  }

  /** Memory stands in another line of tokens now, and has not passed the one that it stood on in its own. */
  standOn({ state, passed }: ReadChain): void {
    this.#token = state.token;
    this.#inLog = passed;
  }

  /** Memory has followed a step. If a gap could not be closed, tokens on either side of it have no known order. */
  follow({ next, everyone }: Pick<SyncStep, "next" | "everyone">): void {
    if (everyone === "untracked") this.#forget();
    if (next === undefined || next === this.#token) return;
    if (this.#token !== undefined) this.#passed.add(this.#token);
    this.#token = next;
    const [oldest] = this.#passed;
    if (this.#passed.size > MAX_PASSED && oldest !== undefined) this.#passed.delete(oldest);
  }

  #forget(): void {
    this.#passed.clear();
    this.#inLog = new Set();
    this.#token = undefined;
  }
}
