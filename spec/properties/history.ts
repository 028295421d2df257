/** A promise was broken; the message is the history that led there, for people. */
class Violation extends Error {
  override readonly name = "Violation";
}

/** What has happened so far, one line each, and the first promise that was broken. */
export class History {
  readonly #lines: string[] = [];
  readonly #now: () => number;
  #broken: string | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  note(text: string): void {
    this.#lines.push(`${String(this.#now()).padStart(9)} ms  ${text}`);
  }

  /**
   * Remembers that a promise was broken. It is thrown by {@link verify}, outside of all streams: what a subscriber throws, RxJS would take
   * for a mistake of the subscriber's own.
   */
  broken(promise: string, what: string): void {
    this.note(`!! ${promise}: ${what}`);
    this.#broken ??= `${promise}: ${what}`;
  }

  expect(held: boolean, promise: string, what: () => string): void {
    if (!held) this.broken(promise, what());
  }

  verify(): void {
    if (this.#broken !== undefined) throw new Violation(`${this.#broken}\n\n${this.#lines.join("\n")}\n`);
  }
}

export type Witness = Pick<History, "note" | "broken" | "expect">;

/** A history to which somebody adds for as long as they are there. */
export class HistoryWhile implements Witness {
  readonly #history: Witness;
  readonly #there: () => boolean;

  constructor(history: Witness, there: () => boolean) {
    this.#history = history;
    this.#there = there;
  }

  note(text: string): void {
    if (this.#there()) this.#history.note(text);
  }

  broken(promise: string, what: string): void {
    if (this.#there()) this.#history.broken(promise, what);
  }

  expect(held: boolean, promise: string, what: () => string): void {
    if (this.#there()) this.#history.expect(held, promise, what);
  }
}
