import type { ListMemory } from "../lists/list-memory.js";
import type { UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import { userKeys } from "../trust/user-keys.js";
import { freshnessOf, noLongerReachable, toUserDeviceKeys, unreachable, type Answer } from "../query/answer.js";
import type { Tracking } from "../sync/tracking.js";
import { sameDeviceList, type DeviceList } from "../trust/device-list.js";

export interface Shown {
  readonly altered: boolean;
  /** Users whose new list differs from the previous one. */
  readonly changed: readonly UserId[];
  /** Users whose new list is the same as the previous one. */
  readonly unchanged: readonly UserId[];
}

/** A watcher's view: the last answer for each user, and what was last emitted for it. */
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

  get isComplete(): boolean {
    return this.#answers.size === this.#wanted.length;
  }

  has(userId: UserId): boolean {
    return this.#answers.has(userId);
  }

  /** Returns all users as of now: a user may have changed before their new list has arrived. */
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

  /** Takes answers. One that is not current does not replace a current one. */
  take(answers: readonly Answer[]): Shown {
    let altered = false;
    const changed: UserId[] = [];
    const unchanged: UserId[] = [];
    for (const answer of answers) {
      const { userId } = answer;
      const before = this.#answers.get(userId);
      const entry = this.#entry(answer);
      // The same object means the same answer.
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

  /** After a failed query, or if the user's server failed, keeps the list and marks it unreachable. */
  fail(userIds: readonly UserId[], now: number, lastKnown: ReadonlyMap<UserId, { readonly list: DeviceList }>): Shown {
    return this.take(
      userIds.map((userId) => {
        const before = this.#answers.get(userId);
        return before === undefined ? unreachable(userId, lastKnown.get(userId)?.list, now) : noLongerReachable(before);
      }),
    );
  }

  /** True if what is shown of these users is out of date: their freshness, or what our own identity says of them. */
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

  /** True if an answer is current, or will be once no step may be missing. */
  #isCurrent(answer: Answer): boolean {
    return freshnessOf(answer, this.#tracking.get(answer.userId), false) === "current";
  }

  #entry(answer: Answer): UserDeviceKeys {
    const user = this.#tracking.get(answer.userId);
    const { ourKey } = this.#memory;
    const entry = toUserDeviceKeys(answer, user, { inDoubt: this.#tracking.inDoubt, ourKey });
    // A user that left is not queried again, so they must not stay superseded.
    const isGone = entry.freshness === "superseded" && user === undefined;
    return isGone ? userKeys(answer.list, "untracked", ourKey, answer.lastKnown) : entry;
  }
}
