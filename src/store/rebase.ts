import type { UserId } from "../model/ids.js";
import { departures, isEmptyStep, type Change, type Commit, type ExtensionEvents, type SyncStep } from "./change.js";
import { applyLocally, follow, followSave, keepFirst, type Clone, type Pending, type SavedState } from "./clone.js";
import type { ChainExtensions } from "./extension-records.js";
import type { Missing } from "./read-missing.js";
import type { LogRecord } from "./records.js";
import { effectsSince, type Before, type TrackedUsers } from "./tracked-users.js";

/**
 * `committed`: the change is in the chain, committed here or by another tab. `applied`: it changed the users it names,
 * but the token is not the one to which its step leads.
 */
export type Outcome = "committed" | "applied";

export interface Rebased {
  readonly before: Before;
  /** Pending changes that must no longer be committed. */
  readonly dropped: readonly { readonly pending: Pending; readonly outcome: Outcome }[];
  /** The missing commits of other trackers; if they are not known individually, one step that stands for them. */
  readonly commits: readonly Commit[];
}

/**
 * Moves a clone to a later state of the store and applies its pending changes again, as {@link rebased} defines.
 *
 * Everything that a pending change touched gets a new revision object: its old number may now be another tracker's
 * commit. So queries sent at the old revision are superseded, and lists in memory no longer match.
 *
 * Extensions cannot undo events. If a pending change has any ({@link concernsExtensions}), they are restored to what is
 * saved.
 * @param name this tracker's name: commits under it that it did not learn of are known to its callers
 */
export function rebase(clone: Clone, missing: Missing, name: string, extensions: ChainExtensions): Rebased {
  const { head } = clone;
  const before: Before = new Map();
  const pending = clone.pending.splice(0);
  for (const { undo } of pending)
    for (const userId of undo.before.keys()) keepFirst(before, new Map([[userId, clone.users.get(userId)]]));
  for (const { undo } of pending.toReversed()) restore(clone, undo);
  const { token } = clone;
  const missed = missing.type === "tail" ? applyTail(clone, missing) : takeOver(clone, missing.account.state);
  keepFirst(before, missed);
  const commits = missing.type === "tail" ? unknownCommits(missing.records, name, head) : summary(missed, token, clone);
  const hasLeft = missing.type === "tail" ? departures(commits) : () => true;
  // Departures that other trackers' extensions know of, our own extensions have just applied.
  const hasLeftBySync = missing.type === "tail" ? departures(commits.filter(movesOn)) : () => true;
  const saved = missing.type === "tail" ? missing.extensions : missing.account.extensions;
  if (saved === undefined) extensions.follow(commits);
  else extensions.restore(saved, clone.token);
  // A transaction of ours took effect but its answer was lost: it committed the first pending changes as they are.
  const lost = missing.type === "tail" ? pending.splice(0, ownCommits(missing.records, name, head)) : [];
  const dropped: Rebased["dropped"][number][] = lost.map((one) => ({ pending: one, outcome: outcomeOf(one.change) }));
  for (const one of pending) {
    const given = rebased(one.given, clone, { hasLeft, late: extensions.late, isTentative: clone.pending.length > 0 });
    if (typeof given === "string") {
      dropped.push({ pending: one, outcome: given });
      continue;
    }
    const change = withoutDeparted(extensions.extend(given), hasLeftBySync);
    const again = applyLocally(clone, change, one.edit, given);
    keepFirst(before, again.undo.before);
    clone.pending.splice(-1, 1, Object.assign(one, again));
  }
  return { before, dropped, commits };
}

const movesOn = ({ change }: Commit): boolean => change.type === "step" && change.next !== undefined;

/** If an extension tracks users without a response, departed ones are left out, as for `track()`. */
const withoutDeparted = (change: Change, hasLeft: (userId: UserId) => boolean): Change =>
  change.type === "step" && change.next === undefined && change.events !== undefined
    ? { ...change, changed: change.changed.filter((userId) => !hasLeft(userId)) }
    : change;

/** What a change is rebased onto, beside the state. */
interface Onto {
  /** True if a user left in a commit that the change's caller did not know. */
  readonly hasLeft: (userId: UserId) => boolean;
  readonly late: (events: ExtensionEvents) => ExtensionEvents | undefined;
  /**
   * True if it follows other pending changes: these may be dropped, so it may matter for users for which it does
   * nothing now.
   */
  readonly isTentative?: boolean;
}

/**
 * Rebases a change onto another head: returns a change to commit there, or its outcome.
 *
 * - A step that begins at the token is applied completely. One that leads to it has already been committed, by another
 *   tab or by a transaction of our own whose answer was lost. Any other belongs to a stream that is behind or ahead:
 *   the users it names become outdated and the token stays.
 * - `track()` tracks its users again, except those that left in a commit that its caller did not know.
 * - `invalidate()` is committed even for users that are no longer tracked: another tab may be tracking them again, with
 *   a list that it requested earlier.
 */
export function rebased(
  change: Change,
  { token, users }: TrackedUsers,
  { hasLeft, late, isTentative = false }: Onto,
): Change | Outcome {
  if (change.type === "step") {
    if (change.next === undefined || change.since === token) return change;
    return change.next === token ? "committed" : (lateStep(change, late) ?? "applied");
  }
  if (change.type === "invalidate") return change;
  const isWanted = (userId: UserId) =>
    (isTentative || users.has(userId) === (change.type === "untrack")) && !(change.type === "track" && hasLeft(userId));
  const wanted = change.users.filter(isWanted);
  return wanted.length === 0 ? "applied" : { type: change.type, users: wanted };
}

function lateStep({ changed, left, everyone, events: read }: SyncStep, late: Onto["late"]): Change | undefined {
  const kept = read && late(read);
  const events = kept && { events: kept };
  // Any user may have changed, also after a gap that could not be closed.
  if (everyone !== undefined) return { type: "step", changed: [], left: [], everyone: "outdated", ...events };
  const users = [...changed, ...left];
  return users.length === 0 && kept === undefined ? undefined : { type: "invalidate", users, ...events };
}

/** The outcome of a committed change. A step that was rebased as late no longer has a token. */
export const outcomeOf = (change: Change): Outcome =>
  change.type === "step" && change.next !== undefined ? "committed" : "applied";

/**
 * Summarizes what taking over a whole state changed, before our own changes are applied on top: those are not durable.
 */
function summary(missed: Before, since: string | undefined, clone: Clone): readonly Commit[] {
  const { invalidated: changed, left } = effectsSince(missed, clone);
  const step: SyncStep = { type: "step", since, next: clone.token, changed, left };
  return isEmptyStep(step) ? [] : [{ number: clone.head, change: step }];
}

function ownCommits(records: readonly LogRecord[], name: string, head: number): number {
  const own = records.flatMap((record) => (record.type === "commits" && record.by === name ? record.commits : []));
  return own.filter(({ number }) => number > head).length;
}

function unknownCommits(records: readonly LogRecord[], name: string, head: number): readonly Commit[] {
  const others = records.flatMap((record) => (record.type === "commits" && record.by !== name ? record.commits : []));
  return others.filter(({ number }) => number > head);
}

function applyTail(clone: Clone, { records, position }: Extract<Missing, { type: "tail" }>): Before {
  const before: Before = new Map();
  for (const record of records) {
    if (record.type === "save") followSave(clone, record.lists);
    else keepFirst(before, follow(clone, record.commits, position));
  }
  clone.position = position;
  return before;
}

/**
 * Takes over a whole saved state. Revisions with the same number are the same commit: the object stays, and so do
 * queries sent at it.
 */
function takeOver(clone: Clone, { head, position, token, users }: SavedState): Before {
  const before: Before = new Map();
  for (const [userId, user] of clone.users) {
    if (users.has(userId)) continue;
    before.set(userId, user);
    clone.users.delete(userId);
  }
  for (const [userId, user] of users) {
    const known = clone.users.get(userId);
    const isSame = known?.revision.number === user.revision.number;
    if (!isSame) before.set(userId, known);
    const outdated = known?.outdated === true && (user.outdated || known.revision.doubted === true);
    const hasList = user.hasList || !outdated; // a list that is only in memory could not be saved
    clone.users.set(userId, isSame ? { revision: known.revision, outdated, hasList } : user);
  }
  Object.assign(clone, { head, position, token });
  return before;
}

function restore(clone: Clone, { before, token }: Pending["undo"]): void {
  for (const [userId, user] of before) {
    if (user === undefined) clone.users.delete(userId);
    else clone.users.set(userId, user);
  }
  clone.token = token;
}
