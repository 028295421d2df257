import type { UserId } from "../model/ids.js";

/** A change announced within this time of a query of ours, in ms, may have been announced because of it: some servers do that. */
export const ECHO_TIME = 10_000;

/** Who has been asked for within the last {@link ECHO_TIME}, by whichever caller. */
export class RecentQueries {
  readonly #sentAt = new Map<UserId, number>(); // oldest first

  /** Users are being asked for now. */
  note(userIds: readonly UserId[], now: number): void {
    for (const [userId, time] of this.#sentAt) {
      if (now - time < ECHO_TIME) break;
      this.#sentAt.delete(userId);
    }
    for (const userId of userIds) {
      this.#sentAt.delete(userId);
      this.#sentAt.set(userId, now);
    }
  }

  has(userId: UserId, now: number): boolean {
    const time = this.#sentAt.get(userId);
    return time !== undefined && now - time < ECHO_TIME;
  }
}
