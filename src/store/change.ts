import { MAX_USERS_AT_ONCE } from "../model/batch-sizes.js";
import type { UserId } from "../model/ids.js";

/** What a sync response, or an answer of `GET /keys/changes`, does to the tracked users. */
export interface SyncStep {
  readonly type: "step";
  /** The token at which it begins; absent for an account's first step. */
  readonly since?: string | undefined;
  /** The token to which it leads; absent if the response has no readable one: the token stays. */
  readonly next?: string | undefined;
  /** Users that become tracked and outdated. */
  readonly changed: readonly UserId[];
  /** Users that become untracked. */
  readonly left: readonly UserId[];
  /**
   * `outdated`: the step may hide changes of any tracked user. `untracked`: it is unknown which users left. Applied
   * before `changed` and `left`.
   */
  readonly everyone?: "outdated" | "untracked" | undefined;
  /**
   * True for a part of a response whose last step follows: the step that closes a gap before it, or a part of its long
   * lists.
   */
  readonly isPartial?: boolean | undefined;
  /** True if it stands for missed responses. Extensions first miss these, then apply the step's events. */
  readonly isGap?: true | undefined;
  /**
   * What extensions read in the response. If a step that moves the token has no entry for an extension, the extension
   * has missed it. A step of events alone moves no token and names no users.
   */
  readonly events?: ExtensionEvents | undefined;
}

/** Events by the name of their extension, in order. */
export type ExtensionEvents = Readonly<Record<string, readonly unknown[]>>;

/** A change requested by the application, or the remainder of a step from a stream that is behind. */
export interface UsersChange {
  /**
   * `track` and `untrack` do nothing for users that are already tracked or untracked. `invalidate` affects tracked
   * users only.
   */
  readonly type: "track" | "untrack" | "invalidate";
  readonly users: readonly UserId[];
  /** True if the same transaction changes the users' saved records by a person's decision. */
  readonly edited?: true | undefined;
  /** What extensions keep of a step from a stream that is behind. */
  readonly events?: ExtensionEvents | undefined;
}

export type Change = SyncStep | UsersChange;

export interface Commit {
  readonly number: number;
  readonly change: Change;
}

/** True if a step changes nothing: an idle poll of a server that repeats its token. */
export function isEmptyStep(step: SyncStep): boolean {
  const { changed, left, everyone, events = {} } = step;
  const hasEvents = Object.values(events).some((some) => some.length > 0);
  return changed.length + left.length === 0 && everyone === undefined && !hasEvents && !movesToken(step);
}

/** True if a step leads to another token than the one at which it begins. */
export const movesToken = ({ since, next }: Pick<SyncStep, "since" | "next">): boolean =>
  next !== undefined && next !== since;

/**
 * Joins two consecutive steps. Returns `undefined` if the second does not begin where the first ends, or if they name
 * more users than are processed at once.
 */
export function joinSteps(first: SyncStep, second: SyncStep): SyncStep | undefined {
  const { since, next, isPartial } = second;
  if (countOf(first) + countOf(second) > MAX_USERS_AT_ONCE) return undefined;
  if (first.next === undefined || next === undefined || since !== first.next) return undefined;
  if (first.everyone !== undefined || second.everyone !== undefined || (first.isGap ?? second.isGap) === true)
    return undefined;
  const events = joinEvents(first, second);
  return {
    type: "step",
    since: first.since,
    next,
    ...lastMentions([first, second]),
    ...(isPartial && { isPartial }),
    ...(events && { events }),
  };
}

/** An extension that missed one of the steps has missed the joined one. */
function joinEvents(first: SyncStep, second: SyncStep): ExtensionEvents | undefined {
  const { events: before = {} } = first;
  const { events: after = {} } = second;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const isWhole = (name: string) =>
    (Object.hasOwn(before, name) || !movesToken(first)) && (Object.hasOwn(after, name) || !movesToken(second));
  const joined = [...names].filter(isWhole).map((name) => [name, [...(before[name] ?? []), ...(after[name] ?? [])]]);
  return joined.length === 0 ? undefined : (Object.fromEntries(joined) as ExtensionEvents);
}

const countOf = ({ changed, left }: SyncStep): number => changed.length + left.length;

export interface NamedUsers {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

/** Merges several lists in order: the last one that names a user counts. */
export function lastMentions(lists: readonly NamedUsers[]): NamedUsers {
  const last = new Map<UserId, keyof NamedUsers>();
  for (const { changed, left } of lists) {
    for (const userId of changed) last.set(userId, "changed");
    for (const userId of left) last.set(userId, "left");
  }
  const named = (kind: keyof NamedUsers) => Array.from(last).flatMap(([userId, was]) => (was === kind ? [userId] : []));
  return { changed: named("changed"), left: named("left") };
}

/** True if any user may have left: after a gap that could not be closed, and before an account's first token. */
export const isFailedGap = ({ change }: Pick<Commit, "change">): boolean =>
  (change.type === "step" && change.everyone === "untracked") || isFirstStep(change);

export const isFirstStep = (change: Change): boolean =>
  change.type === "step" && change.since === undefined && change.next !== undefined;

/** Returns the users with saved records that a person's decision changed. */
export const editedIn = (commits: readonly Commit[]): readonly UserId[] =>
  commits.flatMap(({ change }) => (change.type === "step" || change.edited !== true ? [] : change.users));

/**
 * Returns a predicate: true if a user left, or was untracked by a gap that could not be closed, in any of these
 * commits.
 */
export function departures(commits: readonly Commit[]): (userId: UserId) => boolean {
  const left = new Set<UserId>();
  for (const { change } of commits) {
    if (isFailedGap({ change })) return () => true;
    if (change.type === "step") for (const userId of change.left) left.add(userId);
  }
  return (userId) => left.has(userId);
}
