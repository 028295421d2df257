import type { UserId } from "../model/ids.js";

/** Users' digests (`UserDeviceKeys.digest`), as one person or device sees them. */
export type View = ReadonlyMap<UserId, string>;

/** A user of whom not all see the same. */
export interface ViewDifference<Viewer> {
  readonly userId: UserId;
  /** Who sees which keys, the most frequent first; of viewers that have no digest of the user nothing is said. */
  readonly views: readonly { readonly digest: string; readonly viewers: readonly Viewer[] }[];
}

/**
 * Compares what several people or devices see, exchanged over another path than the server: a server that shows
 * different keys of a user to different people is found out by it. Lists change all the time, so compare again before
 * you warn.
 *
 * Pure. Users of whom all viewers see the same are left out.
 *
 * @example
 * const mine = new Map(Array.from(users, ([userId, { digest }]) => [userId, digest]));
 * compareViews(new Map([["my phone", mine], ["my laptop", theirs]]));
 * // [{ userId: "@bob:example.org", views: [{ digest: "Zq3…", viewers: ["my phone"] }, { digest: "b81…", viewers: ["my laptop"] }] }]
 */
export function compareViews<Viewer>(views: ReadonlyMap<Viewer, View>): readonly ViewDifference<Viewer>[] {
  const byUser = new Map<UserId, Map<string, Viewer[]>>();
  for (const [viewer, view] of views) {
    for (const [userId, digest] of view) {
      const seen = byUser.get(userId) ?? new Map<string, Viewer[]>();
      byUser.set(userId, seen.set(digest, [...(seen.get(digest) ?? []), viewer]));
    }
  }
  return Array.from(byUser)
    .filter(([, seen]) => seen.size > 1)
    .map(([userId, seen]) => ({
      userId,
      views: Array.from(seen, ([digest, viewers]) => ({ digest, viewers })).sort(
        (a, b) => b.viewers.length - a.viewers.length,
      ),
    }));
}
