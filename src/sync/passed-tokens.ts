import type { SyncStep } from "../store/change.js";

/** How many tokens are remembered. Responses of a stream that is behind arrive within a few polls of the take-over. */
const MAX_PASSED = 100;

/** What was read of a chain: its token, and the tokens that it has passed according to its log. */
export interface ReadChain {
  readonly state: { readonly token: string | undefined };
  readonly passed: ReadonlySet<string>;
}

/** The tokens that memory has passed, and those that the chain had passed when it was read; not the current one. */
export class PassedTokens {
  readonly #passed = new Set<string>(); // oldest first
  #token: string | undefined;
  #inLog: ReadonlySet<string>;

  constructor({ state, passed }: ReadChain) {
    this.#token = state.token;
    this.#inLog = passed;
  }

  inMemory(token: string): boolean {
    return this.#passed.has(token);
  }

  /**
   * True if the chain has passed this token, while memory followed or before it was read: what leads to it is
   * committed. A page may receive its first response before it has read another tab's later commit.
   */
  inChain(token: string): boolean {
    return this.inMemory(token) || this.#inLog.has(token);
  }

  /** The whole chain was read again: memory has not followed all of it. */
  reread({ passed }: Pick<ReadChain, "passed">): void {
    this.#inLog = passed;
  }

  /** Memory switched to another line of tokens, and has not passed the last one of its own. */
  standOn({ state, passed }: ReadChain): void {
    this.#token = state.token;
    this.#inLog = passed;
  }

  /** Memory has followed a step. After a gap that could not be closed, tokens on either side have no known order. */
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
