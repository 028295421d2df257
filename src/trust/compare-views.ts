import type { UserId } from "../model/ids.js";

/** Users' digests (`UserDeviceKeys.digest`), as one person or device sees them. */
export type View = ReadonlyMap<UserId, string>;

/** A user that is not shown to all viewers with the same keys. */
export interface ViewDifference<Viewer> {
  readonly userId: UserId;
  /** Each view with its viewers, the most frequent first. Viewers without a digest of the user are left out. */
  readonly views: readonly { readonly digest: string; readonly viewers: readonly Viewer[] }[];
}

/**
 * Compares what several people or devices see, exchanged over another path than the server, to detect a server that
 * shows them different keys of a user. Lists change all the time, so compare again before you warn.
 *
 * Pure. Users without a difference are left out.
 *
 * @example
 * const mine = new Map(Array.from(users, ([userId, { digest }]) => [userId, digest]));
 * compareViews(new Map([["my phone", mine], ["my laptop", theirs]]));
 * // [{ userId: "@bob:example.org", views: [
 *   { digest: "Zq3…", viewers: ["my phone"] },
 *   { digest: "b81…", viewers: ["my laptop"] },
 * ] }]
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
