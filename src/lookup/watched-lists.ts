import type { ListMemory } from "../lists/list-memory.js";
import type { UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import { userKeys } from "../trust/user-keys.js";
import { freshnessOf, noLongerReachable, toUserDeviceKeys, unreachable, type Answer } from "../query/answer.js";
import type { Tracking } from "../sync/tracking.js";
import { sameDeviceList, type DeviceList } from "../trust/device-list.js";

/** What an answer did to what is shown of its user. */
export interface Shown {
  /** Whether there is anything to emit. */
  readonly altered: boolean;
  /** Users whose new list differs from the one before. */
  readonly changed: readonly UserId[];
  /** Users whose new list is the same as the one before. */
  readonly unchanged: readonly UserId[];
}

/** The view of a watcher: the last answer for each user, and what was last emitted for it. */
export class WatchedLists {
  readonly #wanted: readonly UserId[];
  readonly #tracking: Tracking;
  readonly #memory: ListMemory;
  readonly #answers = new Map<UserId, Answer>();
  readonly #shown = new Map<UserId, UserDeviceKeys>();

  constructor(wanted: readonly UserId[], tracking: Tracking, memory: ListMemory) {
    this.#wanted = wanted;
    this.#tracking = tracking;
    this.#memory = memory;
  }

  /** Whether there is an answer for every user. */
  get isComplete(): boolean {
    return this.#answers.size === this.#wanted.length;
  }

  has(userId: UserId): boolean {
    return this.#answers.has(userId);
  }

  /** All users as they are at this moment: one may have changed whose new list is not there yet. */
  view(): DeviceKeysByUser {
    const view = new Map<UserId, UserDeviceKeys>();
    for (const userId of this.#wanted) {
      const answer = this.#answers.get(userId);
      if (answer === undefined) continue;
      const entry = this.#entry(answer);
      this.#shown.set(userId, entry);
      view.set(userId, entry);
    }
    return view;
  }

  /** Takes answers. One that is not current does not replace one that is. */
  take(answers: readonly Answer[]): Shown {
    let altered = false;
    const changed: UserId[] = [];
    const unchanged: UserId[] = [];
    for (const answer of answers) {
      const { userId } = answer;
      const before = this.#answers.get(userId);
      const entry = this.#entry(answer);
      // The same object is the same answer once more.
      if (before !== undefined && before.list !== answer.list) {
        (sameDeviceList(this.#entry(before), entry) ? unchanged : changed).push(userId);
      }
      if (before !== undefined && !this.#isCurrent(answer) && this.#isCurrent(before)) continue;
      this.#answers.set(userId, answer);
      const shown = this.#shown.get(userId);
      if (shown?.freshness !== entry.freshness || !sameDeviceList(shown, entry)) altered = true;
    }
    return { altered, changed, unchanged };
  }

  /** A query failed, or the server of the user did: the list stays as it was and is marked unreachable. */
  fail(userIds: readonly UserId[], now: number, lastKnown: ReadonlyMap<UserId, { readonly list: DeviceList }>): Shown {
    return this.take(
      userIds.map((userId) => {
        const before = this.#answers.get(userId);
        return before === undefined ? unreachable(userId, lastKnown.get(userId)?.list, now) : noLongerReachable(before);
      }),
    );
  }

  /**
   * Whether anything is shown of these users that is not so any more: how fresh they are, or what our own identity says
   * of them.
   */
  isStale(userIds: Iterable<UserId> = this.#wanted): boolean {
    for (const userId of userIds) {
      const answer = this.#answers.get(userId);
      const shown = this.#shown.get(userId);
      if (answer === undefined || shown === undefined) continue;
      const entry = this.#entry(answer);
      if (entry.freshness !== shown.freshness || entry.identity.verified !== shown.identity.verified) return true;
    }
    return false;
  }

  /** Whether an answer is current, or will be once no step may be missing any more. */
  #isCurrent(answer: Answer): boolean {
    return freshnessOf(answer, this.#tracking.get(answer.userId), false) === "current";
  }

  #entry(answer: Answer): UserDeviceKeys {
    const user = this.#tracking.get(answer.userId);
    const { ourKey } = this.#memory;
    const entry = toUserDeviceKeys(answer, user, { inDoubt: this.#tracking.inDoubt, ourKey });
    // A user who left is not queried again, so they do not stay superseded.
    const isGone = entry.freshness === "superseded" && user === undefined;
    return isGone ? userKeys(answer.list, "untracked", ourKey, answer.lastKnown) : entry;
  }
}
