/** @typedef {"changed" | "left"} Kind */

/** The stream of announcements, as `/sync` and `/keys/changes` return it. */
export class Announcements {
  /** @type {{ userId: string, kind: Kind }[]} */
  #stream = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** The position in the stream: the number of announcements so far. */
  get position() {
    return this.#stream.length;
  }

  announce(/** @type {string} */ userId, /** @type {Kind} */ kind) {
    this.#stream.push({ userId, kind });
    for (const done of [...this.#waiting]) done();
  }

  /**
   * Users who changed and who left between two positions. The last announcement of each counts: left and back is
   * `changed` alone.
   */
  between(/** @type {number} */ from, /** @type {number} */ to) {
    const last = new Map(this.#stream.slice(from, to).map(({ userId, kind }) => [userId, kind]));
    const usersWith = (/** @type {Kind} */ wanted) =>
      [...last].filter(([, kind]) => kind === wanted).map(([userId]) => userId);
    return { changed: usersWith("changed"), left: usersWith("left") };
  }

  /** Resolves with the next announcement, after `ms`, or when the signal aborts, whichever comes first. */
  next(/** @type {number} */ ms, /** @type {AbortSignal} */ signal) {
    return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }
}
