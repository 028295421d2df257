/** A promise was broken. The message is the history that led there, one line per event. */
class Violation extends Error {
  override readonly name = "Violation";
}

/** What has happened so far, and the first promise that was broken. */
export class Trace {
  readonly #now: () => number;
  readonly #lines: string[] | undefined;
  #broken: string | undefined;

  /** @param isKept whether events are written down: building the text of 50,000 histories that hold takes longer than running them */
  constructor(now: () => number, isKept: boolean) {
    this.#now = now;
    this.#lines = isKept ? [] : undefined;
  }

  note(text: () => string): void {
    this.#lines?.push(`${String(this.#now()).padStart(9)} ms  ${text()}`);
  }

  /** Records a violation. It is thrown by {@link verify}, outside of all streams: RxJS catches what a subscriber throws. */
  broken(promise: string, what: string): void {
    this.note(() => `!! ${promise}: ${what}`);
    this.#broken ??= `${promise}: ${what}`;
  }

  verify(): void {
    if (this.#broken !== undefined) {
      throw new Violation([this.#broken, "", ...(this.#lines ?? [])].join("\n").replace(/@(\w+):[\w.]+/gu, "$1"));
    }
  }
}
