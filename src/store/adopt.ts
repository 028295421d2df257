import type { Change, ExtensionEvents } from "./change.js";
import type { Clone, SavedState } from "./clone.js";
import type { SavedAccount } from "./load.js";
import type { Before, TrackedUsers } from "./tracked-users.js";

/**
 * What memory commits to a store that it stood in for.
 *
 * 1. If memory stands on a token of its own, it is unknown who left between the store's token and the beginning of
 *    memory's stream: a gap that cannot be closed. As of its end, the users whom memory tracks are.
 * 2. If it does not, or if another tab moves the head before this is committed, users are tracked who did not leave in
 *    a commit that memory did not hear of.
 * 3. The lists of all of them were compared with memory's pins, not with the store's: they are outdated.
 * @param summary what extensions know, as of memory's token: they have missed what the store missed
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
 * Makes the clone what another store holds. None of its users has the same revision as before, whatever their numbers:
 * nothing that was asked or read before counts.
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
