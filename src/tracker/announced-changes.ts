import type { DeviceChanges } from "../model/results.js";
import type { SyncResponse } from "../model/wire.js";
import { lastMentions, type Commit, type SyncStep } from "../store/change.js";
import type { Effects } from "../store/tracked-users.js";

export const stepsIn = (commits: readonly Commit[]): readonly SyncStep[] =>
  commits.flatMap(({ change }) => (change.type === "step" ? [change] : []));

/**
 * Merges the changes that several steps announced: the last step that names a user counts. `undefined` if none names
 * any.
 */
export function announcedChanges(steps: readonly SyncStep[], effects: Effects): DeviceChanges | undefined {
  const [first, ...others] = steps;
  if (first !== undefined && others.length === 0 && first.everyone === undefined) {
    const { changed, left } = first;
    return changed.length + left.length === 0 ? undefined : { changed, left };
  }
  const { invalidated, left } = effects;
  const isForEveryone = steps.some(({ everyone }) => everyone !== undefined);
  const last = lastMentions(isForEveryone ? [{ changed: invalidated, left }, ...steps] : steps);
  return last.changed.length + last.left.length === 0 ? undefined : last;
}

/** Turns steps of another tab that lead to a token into a response. */
export function toResponse(steps: readonly SyncStep[]): SyncResponse | undefined {
  const next = steps.findLast((step) => step.next !== undefined)?.next;
  if (next === undefined) return undefined;
  const since = steps[0]?.since;
  const { changed, left } = lastMentions(steps);
  return {
    next_batch: next,
    ...(since !== undefined && { since }),
    ...(changed.length + left.length > 0 && { device_lists: { changed: [...changed], left: [...left] } }),
  };
}
