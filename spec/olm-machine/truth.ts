/** The device lists of users as their homeserver had them, one after the other. */
export class Truth {
  readonly #lists = new Map<string, string[]>();
  /** The position of the last list that a machine was seen with. */
  readonly #seen = new Map<string, number>();
  readonly faults: string[] = [];

  /** The list of a user is another one now. */
  changed(userId: string, devices: Iterable<string>): void {
    const lists = this.#lists.get(userId) ?? [""];
    this.#lists.set(userId, [...lists, [...devices].sort().join(" ")]);
  }

  current(userId: string): string {
    return this.#lists.get(userId)?.at(-1) ?? "";
  }

  /** A machine has this list: it must not be older than the one before it. */
  sees(userId: string, devices: readonly string[]): void {
    const list = [...devices].sort().join(" ");
    const from = this.#seen.get(userId) ?? 0;
    const lists = this.#lists.get(userId) ?? [""];
    if (lists[from] === list) return;
    const position = lists.indexOf(list, from);
    if (position === -1) this.faults.push(`${userId}: "${lists[from] ?? ""}" was replaced by the older "${list}"`);
    else this.#seen.set(userId, position);
  }
}
