import type { UserId } from "../model/ids.js";
import { joinSteps, type Change, type Commit } from "./change.js";
import type { RecordKey } from "./device-store.js";
import type { Revision } from "./revision.js";
import type { SavedRecords } from "./saved-records.js";
import { applyChange, initialUsers, type Before, type TrackedUser, type TrackedUsers } from "./tracked-users.js";

/*
 * A tracker's clone of the chain, in the words of git. The store is a branch. Every tracker has a clone of it in
 * memory, with local commits on top. These are applied there at once and wait for their transaction ("pending").
 *
 *     commit    a transaction that finds the head where this clone has it writes; otherwise it writes nothing
 *     follow    another tracker's commit is announced: the next number is applied; if one is missing, the clone reloads
 *     rebase    the head has moved: local commits are undone, the missing ones applied, then the local ones again
 *
 * Everything here is pure except that it writes into its clone.
 */

/** A change of other records, committed together with a change of the tracked users or not at all. */
export interface Edit {
  readonly keys: readonly RecordKey[];
  /** Pure. @param commit its number in the chain */
  readonly apply: (records: SavedRecords, commit: number) => void;
}

/** A local change that is applied in memory but not committed yet. */
export interface Pending {
  /** The change without the effects of extensions. */
  given: Change;
  /** The change to commit; a rebase may replace it. */
  change: Change;
  revision: Revision;
  /** Written in the same transaction. */
  readonly edit?: Edit;
  undo: { readonly before: Before; readonly token: string | undefined };
  /** True if a transaction has tried to commit it: that may have taken effect even if it seemed to fail. */
  wasTried?: boolean;
}

/** The state in memory: the store's, as far as this tracker knows it, with its own pending changes on top. */
export interface Clone extends TrackedUsers {
  head: number;
  /** The position of the last log record known to be folded in. */
  position: number;
  readonly pending: Pending[];
}

/** The lists that a save recorded: each user, and the revision that the list answers. */
export type SavedLists = readonly (readonly [UserId, number])[];

/** The saved state, folded up to one position of the log. */
export interface SavedState {
  readonly head: number;
  readonly position: number;
  readonly token: string | undefined;
  /** Owned by the clone that it was read for: copying 100,000 users would take a frame. */
  readonly users: Map<UserId, TrackedUser>;
}

export function emptyClone(ownUserId: UserId): Clone {
  return { ...initialUsers(ownUserId), head: 0, position: 0, pending: [] };
}

/**
 * Applies a local change in memory. Its number is its place in the chain unless the head moves first.
 * @param given the change without the effects of extensions
 */
export function applyLocally(clone: Clone, change: Change, edit?: Edit, given = change): Pending {
  const revision = { number: clone.head + clone.pending.length + 1 };
  const { token } = clone;
  const undo = { before: applyChange(clone, change, revision), token };
  const pending: Pending = { given, change, revision, undo, ...(edit !== undefined && { edit }) };
  clone.pending.push(pending);
  return pending;
}

/**
 * Joins a step with the last pending change, if that is the preceding step and no transaction has tried to commit it:
 * responses must not pile up while the store fails. Returns the pending change, and the users that the step touched, as
 * they were before.
 */
export function joinLocally(
  clone: Clone,
  change: Change,
  given = change,
): { readonly pending: Pending; readonly before: Before } | undefined {
  const last = clone.pending.at(-1);
  if (last === undefined || last.wasTried === true) return undefined;
  const joined = join(last.change, change);
  const joinedGiven = join(last.given, given);
  if (joined === undefined || joinedGiven === undefined) return undefined;
  const before = applyChange(clone, change, { number: last.revision.number });
  last.change = joined;
  last.given = joinedGiven;
  keepFirst(last.undo.before, before);
  return { pending: last, before };
}

const join = (first: Change, second: Change): Change | undefined =>
  first.type === "step" && second.type === "step" ? joinSteps(first, second) : undefined;

/** Numbers the pending changes as commits, assuming that the head has not moved. */
export function toCommits({ head, pending }: Clone): readonly Commit[] {
  return pending.map(({ change }, i) => ({ number: head + i + 1, change }));
}

/** Removes the first pending changes, now committed in the log record at this position. */
export function advance(clone: Clone, count: number, position: number): void {
  clone.pending.splice(0, count);
  clone.head += count;
  clone.position = position;
}

/** True if announced commits can be applied as they are: they begin at our head, and nothing of ours is pending. */
export function canFollow({ head, pending }: Clone, commits: readonly Commit[]): boolean {
  const first = commits[0]?.number;
  return pending.length === 0 && first !== undefined && first <= head + 1;
}

/** Applies commits of another tracker, except those that our head already includes. */
export function follow(clone: Clone, commits: readonly Commit[], position: number): Before {
  const before: Before = new Map();
  for (const { number, change } of commits) {
    if (number <= clone.head) continue;
    keepFirst(before, applyChange(clone, change, { number }));
    clone.head = number;
  }
  clone.position = Math.max(clone.position, position);
  return before;
}

/**
 * Marks users as up to date if their saved list answers their revision. Numbers beyond our head would be our own
 * guesses.
 */
export function followSave({ users, head }: Clone, lists: SavedLists): void {
  for (const [userId, number] of lists) {
    const user = users.get(userId);
    if (user === undefined) continue;
    const { revision } = user;
    const isAnswered = revision.number === number && number <= head && revision.doubted !== true;
    if (user.hasList && (!user.outdated || !isAnswered)) continue;
    users.set(userId, { revision, outdated: user.outdated && !isAnswered, hasList: true });
  }
}

/**
 * Another tracker has a change of these users that it cannot commit, so what is saved of them may be older. They become
 * outdated, at a new revision object with the same number: a query sent from now on can be saved, but earlier queries
 * and saves are stale.
 */
export function doubt({ users }: Clone, userIds: readonly UserId[]): Before {
  const before: Before = new Map();
  for (const userId of userIds) {
    const user = users.get(userId);
    if (user === undefined || before.has(userId)) continue;
    before.set(userId, user);
    users.set(userId, { ...user, revision: { number: user.revision.number, doubted: true }, outdated: true });
  }
  return before;
}

/** Adds users as they were, unless they are already noted. */
export function keepFirst(before: Before, later: Before): void {
  for (const [userId, user] of later) if (!before.has(userId)) before.set(userId, user);
}
