import type { UserId } from "../model/ids.js";

/** The users for which a machine gets lists, and what has happened to them since they were looked up. */
export class ServedUsers {
  /** `undefined` until the tracker has loaded them. */
  #tracked: ReadonlySet<UserId> | undefined;
  /** Users that left, so they are no longer tracked. The machine may still ask for them. */
  readonly #gone = new Set<UserId>();
  /** Tracked users that the machine does not know of. */
  #added: UserId[] = [];
  /** Users with lists that the machine must get, even without asking. */
  readonly #wanted = new Set<UserId>();
  /** Users announced since their lookup began: its answer may be the previous list. */
  readonly #changed = new Set<UserId>();
  /** Users with lists that have changed since their lookup ended. */
  readonly #updated = new Set<UserId>();

  get isLoaded(): boolean {
    return this.#tracked !== undefined;
  }

  get wanted(): readonly UserId[] {
    return [...this.#wanted];
  }

  isTracked(userId: UserId): boolean {
    return this.#tracked?.has(userId) === true;
  }

  isGone(userId: UserId): boolean {
    return this.#gone.has(userId);
  }

  /**
   * Returns the users that are new.
   * @param tracked is not altered afterwards
   */
  follow(tracked: ReadonlySet<UserId>): readonly UserId[] {
    const before = this.#tracked;
    const { added, left } = difference(before ?? new Set(), tracked);
    for (const userId of left) this.#leave(userId);
    this.#tracked = tracked;
    for (const userId of added) {
      this.#added.push(userId);
      this.#gone.delete(userId); // if the machine tracked them before, they may have changed in between
    }
    if (before !== undefined) this.announced(added);
    return added;
  }

  /** This user left before the machine was served. */
  leftBefore(userId: UserId): void {
    if (!this.isTracked(userId)) this.#gone.add(userId);
  }

  takeAdded(): readonly UserId[] {
    return this.#added.splice(0);
  }

  /** These users have changed or left. */
  announced(userIds: readonly UserId[]): void {
    for (const userId of userIds) {
      this.#changed.add(userId);
      if (this.isTracked(userId)) this.#wanted.add(userId);
    }
  }

  updated(userId: UserId): void {
    this.#updated.add(userId);
    this.#wanted.add(userId);
  }

  lookupBegins(userIds: readonly UserId[]): void {
    for (const userId of userIds) this.#changed.delete(userId);
  }

  lookupEnds(userIds: readonly UserId[]): void {
    for (const userId of userIds) this.#updated.delete(userId);
  }

  isAnswerValid(userId: UserId): boolean {
    return !this.#changed.has(userId);
  }

  given(userIds: Iterable<UserId>): void {
    for (const userId of userIds)
      if (!this.#updated.has(userId) && !this.#changed.has(userId)) this.#wanted.delete(userId);
  }

  #leave(userId: UserId): void {
    this.#gone.add(userId);
    this.#wanted.delete(userId);
    this.#changed.add(userId);
  }
}

/**
 * The difference of two sets. A user that is in both is usually in the same place of their order, so that only the
 * others are looked up: 2 ms for 100,000 users, instead of 75.
 */
function difference(before: ReadonlySet<UserId>, after: ReadonlySet<UserId>) {
  const added: UserId[] = [];
  const left: UserId[] = [];
  const rest = after.values();
  let next = rest.next();
  for (const userId of before) {
    if (next.value === userId) next = rest.next();
    else if (!after.has(userId)) left.push(userId);
  }
  for (; next.done !== true; next = rest.next()) if (!before.has(next.value)) added.push(next.value);
  return { added, left };
}
