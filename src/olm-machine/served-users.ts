import type { UserId } from "../model/ids.js";

/** The users that a machine is given lists of, and what has happened to them since they were looked up. */
export class ServedUsers {
  /** `undefined` until the tracker has loaded them. */
  #tracked: ReadonlySet<UserId> | undefined;
  /** No longer tracked: they left. The machine may still ask for them. */
  readonly #gone = new Set<UserId>();
  /** Those that the machine does not know are tracked. */
  #added: UserId[] = [];
  /** The machine must be given these lists, whether it asks or not. */
  readonly #wanted = new Set<UserId>();
  /** Announced since their lookup began: its answer may be the list before the change. */
  readonly #changed = new Set<UserId>();
  /** Their list has changed since their lookup ended. */
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

  /** Returns the users that are new. */
  follow(tracked: ReadonlySet<UserId>): readonly UserId[] {
    const before = this.#tracked;
    const added = Array.from(tracked).filter((userId) => before?.has(userId) !== true);
    for (const userId of before ?? []) if (!tracked.has(userId)) this.#leave(userId);
    this.#tracked = new Set(tracked);
    this.#added.push(...added);
    // Those that the machine has tracked before may have changed while they were not tracked here.
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

  /** These users have changed, or have left. */
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

  /** Whether an answer for this user may be given to the machine. */
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
