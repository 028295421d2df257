import type { Change, ExtensionEvents } from "./change.js";
import type { Clone, SavedState } from "./clone.js";
import type { SavedAccount } from "./load.js";
import type { Before, TrackedUsers } from "./tracked-users.js";

/**
 * Returns what memory commits to a store that it stood in for.
 *
 * 1. If memory has a token of its own, it is unknown which users left between the store's token and the beginning of
 *    memory's stream: a gap that cannot be closed. From its end on, the users that memory tracks are tracked.
 * 2. Otherwise, or if another tab moves the head before this is committed, users are tracked unless they left in a
 *    commit that memory did not see.
 * 3. All their lists become outdated: they were compared with memory's pins, not with the store's.
 * @param summary what extensions know, as of memory's token; they missed what the store missed
 */
export function changesToAdopt(
  memory: TrackedUsers,
  { state: { token: since }, hasLeft }: Pick<SavedAccount, "state" | "hasLeft">,
  summary?: ExtensionEvents,
): readonly Change[] {
  const users = [...memory.users.keys()];
  const track: Change = { type: "track", users: users.filter((userId) => !hasLeft(userId)) };
  const { token: next } = memory;
  const known: readonly Change[] =
    summary === undefined ? [] : [{ type: "step", changed: [], left: [], events: summary }];
  if (next === undefined || next === since) return [track, { type: "invalidate", users }, ...known];
  return [{ type: "step", since, next, changed: users, left: [], everyone: "untracked", isGap: true }, track, ...known];
}

/**
 * Replaces the clone's state with what another store holds. All users get new revisions, whatever their numbers, so
 * that everything queried or read before is stale.
 *
 * @returns all users, as they were before
 */
export function replaceState(clone: Clone, { head, position, token, users }: SavedState): Before {
  const before: Before = new Map(clone.users);
  clone.users.clear();
  for (const [userId, user] of users) {
    if (!before.has(userId)) before.set(userId, undefined);
    clone.users.set(userId, user);
  }
  Object.assign(clone, { head, position, token });
  return before;
}
