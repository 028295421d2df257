const NONE = 0xffff_ffff;

/** States by their fingerprints, numbered as they come, each with the event that first led to it: what a history is made of, in about 20 bytes a state. */
export class StateSet {
  #size = 0;
  #parents = new Uint32Array(1 << 12);
  #events = new Uint16Array(1 << 12);
  #highs = new Uint32Array(1 << 12);
  #lows = new Uint32Array(1 << 12);
  #table = new Uint32Array(1 << 13).fill(NONE);

  get size(): number {
    return this.#size;
  }

  /** The number of the state with this fingerprint, or `undefined` where it is new: then it has been added. */
  add(high: number, low: number, parent: number, event: number): number | undefined {
    const slot = this.#slotOf(high, low);
    const found = this.#table[slot]!;
    if (found !== NONE) return found;
    if (this.#size === this.#parents.length) {
      this.#grow();
      return this.add(high, low, parent, event);
    }
    this.#table[slot] = this.#size;
    this.#put(this.#size++, high, low, parent, event);
    return undefined;
  }

  /** The events that led to a state, first to last. */
  history(state: number): number[] {
    const events: number[] = [];
    for (let at = state; at !== 0; at = this.#parents[at]!) events.push(this.#events[at]!);
    return events.reverse();
  }

  #put(at: number, high: number, low: number, parent: number, event: number): void {
    this.#highs[at] = high;
    this.#lows[at] = low;
    this.#parents[at] = parent;
    this.#events[at] = event;
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#table.length - 1;
    let slot = (low ^ (high >>> 7)) & mask;
    for (
      let at = this.#table[slot]!;
      at !== NONE && (this.#highs[at] !== high || this.#lows[at] !== low);
      at = this.#table[slot]!
    )
      slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const grown = <T extends Uint32Array | Uint16Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    const length = this.#parents.length * 2;
    this.#parents = grown(this.#parents, new Uint32Array(length));
    this.#events = grown(this.#events, new Uint16Array(length));
    this.#highs = grown(this.#highs, new Uint32Array(length));
    this.#lows = grown(this.#lows, new Uint32Array(length));
    this.#table = new Uint32Array(length * 2).fill(NONE);
    for (let at = 0; at < this.#size; at++) this.#table[this.#slotOf(this.#highs[at]!, this.#lows[at]!)] = at;
  }
}
