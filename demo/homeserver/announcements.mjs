/** @typedef {"changed" | "left"} Kind */

/** The server's stream: the announcements that `/sync` and `/keys/changes` return, and the places of room events. */
export class Announcements {
  /** `undefined` stands for a room event. @type {({ userId: string, kind: Kind } | undefined)[]} */
  #stream = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** The position in the stream: the number of announcements and room events so far. */
  get position() {
    return this.#stream.length;
  }

  announce(/** @type {string} */ userId, /** @type {Kind} */ kind) {
    this.#add({ userId, kind });
  }

  /** A room event happens, which announces no user. Returns the position after it. */
  advance() {
    this.#add(undefined);
    return this.position;
  }

  /**
   * Users who changed and who left between two positions. The last announcement of each counts: left and back is
   * `changed` alone.
   */
  between(/** @type {number} */ from, /** @type {number} */ to) {
    const last = new Map(
      this.#stream.slice(from, to).flatMap((item) => (item === undefined ? [] : [[item.userId, item.kind]])),
    );
    const usersWith = (/** @type {Kind} */ wanted) =>
      [...last].filter(([, kind]) => kind === wanted).map(([userId]) => userId);
    return { changed: usersWith("changed"), left: usersWith("left") };
  }

  /** Resolves with the next item, after `ms`, or when the signal aborts, whichever comes first. */
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

  #add(/** @type {{ userId: string, kind: Kind } | undefined} */ item) {
    this.#stream.push(item);
    for (const done of [...this.#waiting]) done();
  }
}
