import type { UserId } from "../model/ids.js";
import { departures, isEmptyStep, type Change, type Commit, type ExtensionEvents, type SyncStep } from "./change.js";
import { applyLocally, follow, followSave, keepFirst, type Clone, type Pending, type SavedState } from "./clone.js";
import type { ChainExtensions } from "./extension-records.js";
import type { Missing } from "./read-missing.js";
import type { LogRecord } from "./records.js";
import { effectsSince, type Before, type TrackedUsers } from "./tracked-users.js";

/**
 * What became of a pending change: its step is in the chain, committed here or by another tab; or, `applied`, it
 * changed what it names, but the token is not where its step leads.
 */
export type Outcome = "committed" | "applied";

/** What a rebase did. */
export interface Rebased {
  readonly before: Before;
  /** Pending changes that are not to be committed any more. */
  readonly dropped: readonly { readonly pending: Pending; readonly outcome: Outcome }[];
  /** Commits of other trackers that were missing; if they are not known one by one, a step that stands for them. */
  readonly commits: readonly Commit[];
}

/**
 * Moves a clone to a later state of the store and applies its pending changes again, each as {@link rebased} says.
 *
 * Everything that a pending change touched gets a new revision object, so that queries sent at the old one are
 * superseded and lists in memory do not match: the number they had may be another tracker's commit now.
 *
 * Extensions cannot undo events. If a pending change has any ({@link concernsExtensions}), they begin again at what is
 * saved.
 * @param name the tracker's own: what it committed without learning of it, its callers know
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
  // What extensions of other trackers know of departures, our own have just applied.
  const hasLeftBySync = missing.type === "tail" ? departures(commits.filter(movesOn)) : () => true;
  const saved = missing.type === "tail" ? missing.extensions : missing.account.extensions;
  if (saved === undefined) extensions.follow(commits);
  else extensions.restore(saved, clone.token);
  // A transaction of ours took effect and its answer was lost: it committed the first of what is pending, as it is.
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
  /** Whether a user left in a commit that the caller of the change did not know. */
  readonly hasLeft: (userId: UserId) => boolean;
  readonly late: (events: ExtensionEvents) => ExtensionEvents | undefined;
  /**
   * Whether it comes after others that are pending: they may come to nothing, so that it has something to do for users
   * for whom there is nothing to do now.
   */
  readonly isTentative?: boolean;
}

/**
 * What becomes of a change on top of another head than it was made for: a change to commit there, or its outcome.
 *
 * - A step that begins at the token is applied completely. One that leads to it has been committed, by another tab or
 *   by a transaction of our own whose answer was lost. Any other is of a stream that is behind or ahead: the users it
 *   names become outdated and the token stays.
 * - `track()` tracks users again, but not those who left in a commit that its caller did not know.
 * - `invalidate()` is committed even for users who are no longer tracked: another tab may be tracking them again, with
 *   a list that it requested before.
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
  // After a gap that could not be closed, too, any user may have changed.
  if (everyone !== undefined) return { type: "step", changed: [], left: [], everyone: "outdated", ...events };
  const users = [...changed, ...left];
  return users.length === 0 && kept === undefined ? undefined : { type: "invalidate", users, ...events };
}

/** The outcome of a change that is committed. A step that was rebased late has no token any more. */
export const outcomeOf = (change: Change): Outcome =>
  change.type === "step" && change.next !== undefined ? "committed" : "applied";

/** What a whole state that was taken over changed, before anything of ours is applied on top: that is not durable. */
function summary(missed: Before, since: string | undefined, clone: Clone): readonly Commit[] {
  const { invalidated: changed, left } = effectsSince(missed, clone);
  const step: SyncStep = { type: "step", since, next: clone.token, changed, left };
  return isEmptyStep(step) ? [] : [{ number: clone.head, change: step }];
}

/** How many commits of this tracker are beyond its head. */
function ownCommits(records: readonly LogRecord[], name: string, head: number): number {
  const own = records.flatMap((record) => (record.type === "commits" && record.by === name ? record.commits : []));
  return own.filter(({ number }) => number > head).length;
}

function unknownCommits(records: readonly LogRecord[], name: string, head: number): readonly Commit[] {
  const others = records.flatMap((record) => (record.type === "commits" && record.by !== name ? record.commits : []));
  return others.filter(({ number }) => number > head);
}

/** Applies the commits and saves that were missing. */
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
 * Takes over a whole saved state. A revision with the same number is the same commit: its object stays, and so do
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
