import { emptyList, type DeviceList } from "../trust/device-list.js";
import { identityStatus } from "../trust/identity.js";
import type { UserId } from "../model/ids.js";
import type { Freshness, UserDeviceKeys } from "../model/results.js";
import type { Revision } from "../store/revision.js";
import type { TrackedUser } from "../sync/tracking.js";
import type { CachedList } from "../lists/list-cache.js";

/** A device list on its way to a caller, and what decides its freshness when it is emitted. */
export interface Answer {
  readonly userId: UserId;
  readonly list: DeviceList;
  /** The user's revision when the list was asked for or read; `undefined` where they were not tracked then. */
  readonly revision: Revision | undefined;
  /** Whether a change had come, or the store had refused the list, before the answer was ready. */
  readonly superseded: boolean;
  /** Whether the user's server answered. */
  readonly reachable: boolean;
  /** Where it did not: the last list we had. */
  readonly lastKnown?: DeviceList;
  /** Where it came from the cache: the entry there. */
  readonly cached?: CachedList;
}

/** What the outside of a list depends on when it is emitted. */
export interface Surroundings {
  /** Whether steps are known to be missing: a change may be among them. */
  readonly inDoubt: boolean;
  /** Our own user-signing key, where we have one that can be relied on. */
  readonly ourKey: string | undefined;
}

/**
 * How far an answer can be relied on, decided when it is emitted: a change may have come while the call waited for others.
 * @param inDoubt whether steps are known to be missing: a change may be among them
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
  { inDoubt, ourKey }: Surroundings,
): UserDeviceKeys {
  const freshness = freshnessOf(answer, user, inDoubt);
  if (freshness === "current" && answer.cached !== undefined) return answer.cached.current(ourKey);
  const { list, lastKnown } = answer;
  return {
    ...list,
    identity: identityStatus(list.identity, ourKey),
    freshness,
    ...(lastKnown !== undefined && { lastKnown: lastKnown.deviceKeys }),
  };
}

/** A list that was not outdated when it was looked at. */
export const fromCache = (userId: UserId, cached: CachedList): Answer => ({
  userId,
  list: cached.list,
  revision: cached.revision,
  superseded: false,
  reachable: true,
  cached,
});

/** The answer for an ID that is no user ID and is never sent: nobody has devices there. */
export const notAUser = (userId: string, now: number): Answer => ({
  userId,
  list: emptyList(now),
  revision: undefined,
  superseded: false,
  reachable: true,
});
