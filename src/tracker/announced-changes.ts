import type { UserId } from "../model/ids.js";
import type { DeviceChanges } from "../model/results.js";
import type { SyncResponse } from "../model/wire.js";
import type { Commit, SyncStep } from "../store/change.js";
import type { Effects } from "../store/tracked-users.js";

/** The steps among commits. */
export const stepsIn = (commits: readonly Commit[]): readonly SyncStep[] =>
  commits.flatMap(({ change }) => (change.type === "step" ? [change] : []));

/** The changes that several steps announced: the last step that names a user counts. `undefined` if none names any. */
export function announcedChanges(steps: readonly SyncStep[], effects: Effects): DeviceChanges | undefined {
  const [first, ...others] = steps;
  if (first !== undefined && others.length === 0 && first.everyone === undefined) {
    const { changed, left } = first;
    return changed.length + left.length === 0 ? undefined : { changed, left };
  }
  const last = new Map<UserId, "changed" | "left">();
  if (steps.some(({ everyone }) => everyone !== undefined)) {
    for (const userId of effects.invalidated) last.set(userId, "changed");
    for (const userId of effects.left) last.set(userId, "left");
  }
  for (const { changed, left } of steps) {
    for (const userId of changed) last.set(userId, "changed");
    for (const userId of left) last.set(userId, "left");
  }
  return last.size === 0 ? undefined : toChanges(last);
}

/** Steps of another tab as responses: those that lead to a token. */
export function toResponse(steps: readonly SyncStep[]): SyncResponse | undefined {
  const next = steps.findLast((step) => step.next !== undefined)?.next;
  if (next === undefined) return undefined;
  const since = steps[0]?.since;
  const last = new Map<UserId, "changed" | "left">();
  for (const { changed, left } of steps) {
    for (const userId of changed) last.set(userId, "changed");
    for (const userId of left) last.set(userId, "left");
  }
  const lists = toChanges(last);
  return {
    next_batch: next,
    ...(since !== undefined && { since }),
    ...(last.size > 0 && { device_lists: { changed: [...lists.changed], left: [...lists.left] } }),
  };
}

function toChanges(last: ReadonlyMap<UserId, "changed" | "left">): DeviceChanges {
  const named = (kind: "changed" | "left") =>
    Array.from(last).flatMap(([userId, was]) => (was === kind ? [userId] : []));
  return { changed: named("changed"), left: named("left") };
}
