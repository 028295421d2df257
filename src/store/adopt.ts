import type { Change, SyncStep } from "./change.js";
import type { Clone, SavedState } from "./clone.js";
import type { Before, TrackedUsers } from "./tracked-users.js";

/**
 * What memory commits to a store that it stood in for. `memory` is its state, `saved` that of the store.
 *
 * 1. If memory stands on a token of its own, it is unknown who left between the store's token and the beginning of
 *    memory's stream: a gap that cannot be closed.
 * 2. The users whom memory tracks are tracked. Their lists were compared with memory's pins, not with the store's, so they
 *    are outdated.
 */
export function changesToAdopt(memory: TrackedUsers, saved: Pick<SavedState, "token">): readonly Change[] {
  const users = [...memory.users.keys()];
  const gap = gapBetween(saved.token, memory.token);
  // After the gap they are outdated anyway.
  return gap === undefined
    ? [
        { type: "track", users },
        { type: "invalidate", users },
      ]
    : [gap, { type: "track", users }];
}

function gapBetween(since: string | undefined, next: string | undefined): SyncStep | undefined {
  if (next === undefined || next === since) return undefined;
  return { type: "step", since, next, changed: [], left: [], everyone: "untracked" };
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
