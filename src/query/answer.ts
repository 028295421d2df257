import type { CachedList } from "../lists/list-cache.js";
import type { UserId } from "../model/ids.js";
import type { Freshness, UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";
import type { TrackedUser } from "../store/tracked-users.js";
import { emptyList, type DeviceList } from "../trust/device-list.js";
import { UNKNOWN_IDENTITY } from "../trust/identity.js";
import { userKeys } from "../trust/user-keys.js";

/** A device list on its way to a caller, with what decides its freshness when it is emitted. */
export interface Answer {
  readonly userId: UserId;
  readonly list: DeviceList;
  /** The user's revision when the list was requested or read; `undefined` if the user was not tracked. */
  readonly revision: Revision | undefined;
  /** True if a change arrived, or the store refused the list, before the answer was ready. */
  readonly superseded: boolean;
  readonly reachable: boolean;
  /**
   * The last known list, if the server did not answer. Its devices are not in `list`, unless they were shown before.
   */
  readonly lastKnown?: DeviceList;
  readonly cached?: CachedList | undefined;
}

export interface AnswerContext {
  /** True if steps may be missing: they may contain a change. */
  readonly inDoubt: boolean;
  /** Our own user-signing key, if it can be relied on. */
  readonly ourKey: string | undefined;
}

/** Decided at emission: a change may have arrived while the call waited for other users. */
export function freshnessOf(answer: Answer, user: TrackedUser | undefined, inDoubt: boolean): Freshness {
  if (!answer.reachable) return "unreachable";
  if (answer.superseded || answer.revision !== user?.revision) return "superseded";
  if (user === undefined) return "untracked";
  return inDoubt ? "superseded" : "current";
}

export function toUserDeviceKeys(
  answer: Answer,
  user: TrackedUser | undefined,
  { inDoubt, ourKey }: AnswerContext,
): UserDeviceKeys {
  const freshness = freshnessOf(answer, user, inDoubt);
  if (freshness === "current" && answer.cached !== undefined) return answer.cached.current(ourKey);
  return userKeys(answer.list, freshness, ourKey, answer.lastKnown);
}

export const fromCache = (userId: UserId, cached: CachedList): Answer => ({
  userId,
  list: cached.list,
  revision: cached.revision,
  superseded: false,
  reachable: true,
  cached,
});

/**
 * The answer for a user that could not be reached: only their last list, with what was known of its devices and
 * identity.
 *
 * Ignores everything in the response, so that the answer is the same whether the user is queried alone, with others, or
 * not at all.
 * @param now used if there is no list
 */
export function unreachable(userId: UserId, lastKnown: DeviceList | undefined, now: number): Answer {
  const answer = { userId, revision: undefined, superseded: false, reachable: false };
  // They may have an identity, pinned by an answer that was not saved.
  if (lastKnown === undefined) return { ...answer, list: { ...emptyList(now), identity: UNKNOWN_IDENTITY } };
  return { ...answer, list: { ...lastKnown, deviceKeys: new Map() }, lastKnown };
}

/** Marks an answer's user as unreachable; the list stays as it was. */
export function noLongerReachable(answer: Answer): Answer {
  if (!answer.reachable) return answer;
  const { userId, list } = answer;
  return { userId, list, lastKnown: list, revision: undefined, superseded: false, reachable: false };
}

/** The answer for an invalid user ID, which is never sent and has no devices. */
export const notAUser = (userId: string, now: number): Answer => ({
  userId,
  list: emptyList(now),
  revision: undefined,
  superseded: false,
  reachable: true,
});
