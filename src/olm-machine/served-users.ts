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

  /** Returns the newly tracked users. */
  follow(tracked: ReadonlySet<UserId>): readonly UserId[] {
    const before = this.#tracked;
    const added = Array.from(tracked).filter((userId) => before?.has(userId) !== true);
    for (const userId of before ?? []) if (!tracked.has(userId)) this.#leave(userId);
    this.#tracked = new Set(tracked);
    this.#added.push(...added);
    // Users that the machine has tracked before may have changed while they were not tracked here.
    for (const userId of added) this.#gone.delete(userId);
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
