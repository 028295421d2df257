import type { CachedList } from "../lists/list-cache.js";
import type { UserId } from "../model/ids.js";
import type { Freshness, UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";
import type { TrackedUser } from "../store/tracked-users.js";
import { emptyList, type DeviceList } from "../trust/device-list.js";
import { UNKNOWN_IDENTITY } from "../trust/identity.js";
import { userKeys } from "../trust/user-keys.js";

/** A device list on its way to a caller, and what decides its freshness when it is emitted. */
export interface Answer {
  readonly userId: UserId;
  readonly list: DeviceList;
  /** The user's revision when the list was requested or read; `undefined` if they were not tracked. */
  readonly revision: Revision | undefined;
  /** Whether a change arrived, or the store refused the list, before the answer was ready. */
  readonly superseded: boolean;
  /** Whether the user's server answered. */
  readonly reachable: boolean;
  /** If it did not: the last list that is known. Its devices are not in `list`, unless they were shown before. */
  readonly lastKnown?: DeviceList;
  /** If it is in the cache, or came from there: the entry. */
  readonly cached?: CachedList | undefined;
}

/** What else an answer depends on when it is emitted. */
export interface AnswerContext {
  /** Whether steps may be missing: a change may be among them. */
  readonly inDoubt: boolean;
  /** Our own user-signing key if it can be relied on. */
  readonly ourKey: string | undefined;
}

/**
 * How far an answer can be relied on. Decided when it is emitted: a change may have arrived while the call waited for
 * other users.
 */
export function freshnessOf(answer: Answer, user: TrackedUser | undefined, inDoubt: boolean): Freshness {
  if (!answer.reachable) return "unreachable";
  if (answer.superseded || answer.revision !== user?.revision) return "superseded";
  if (user === undefined) return "untracked";
  return inDoubt ? "superseded" : "current";
}

/** The answer as a caller gets it now. */
export function toUserDeviceKeys(
  answer: Answer,
  user: TrackedUser | undefined,
  { inDoubt, ourKey }: AnswerContext,
): UserDeviceKeys {
  const freshness = freshnessOf(answer, user, inDoubt);
  if (freshness === "current" && answer.cached !== undefined) return answer.cached.current(ourKey);
  return userKeys(answer.list, freshness, ourKey, answer.lastKnown);
}

/** A list that was not outdated when it was looked up. */
export const fromCache = (userId: UserId, cached: CachedList): Answer => ({
  userId,
  list: cached.list,
  revision: cached.revision,
  superseded: false,
  reachable: true,
  cached,
});

/**
 * The answer for a user who could not be reached: all that is known is the last list, with what was known of its
 * devices and its identity.
 *
 * Nothing of a response that is not about the user is used, so that they get the same answer whether they are queried
 * alone, with others, or not at all.
 * @param now when there is no list
 */
export function unreachable(userId: UserId, lastKnown: DeviceList | undefined, now: number): Answer {
  const answer = { userId, revision: undefined, superseded: false, reachable: false };
  // They may have an identity, and it may have been pinned by an answer that was not saved.
  if (lastKnown === undefined) return { ...answer, list: { ...emptyList(now), identity: UNKNOWN_IDENTITY } };
  return { ...answer, list: { ...lastKnown, deviceKeys: new Map() }, lastKnown };
}

/** An answer whose user cannot be reached any more: the list stays as it was. */
export function noLongerReachable(answer: Answer): Answer {
  if (!answer.reachable) return answer;
  const { userId, list } = answer;
  return { userId, list, lastKnown: list, revision: undefined, superseded: false, reachable: false };
}

/** The answer for an ID that is not a user ID: it is never sent, and has no devices. */
export const notAUser = (userId: string, now: number): Answer => ({
  userId,
  list: emptyList(now),
  revision: undefined,
  superseded: false,
  reachable: true,
});
