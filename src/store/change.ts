import { MAX_USERS_AT_ONCE } from "../model/batch-sizes.js";
import type { UserId } from "../model/ids.js";

/** What a sync response, or an answer of `GET /keys/changes`, does to the tracked users. */
export interface SyncStep {
  readonly type: "step";
  /** The token that it begins at; absent for the first one of an account. */
  readonly since?: string | undefined;
  /** The token that it leads to; absent if the response had none that could be read: the token stays. */
  readonly next?: string | undefined;
  /** Users who become tracked and outdated. */
  readonly changed: readonly UserId[];
  /** Users who become untracked. */
  readonly left: readonly UserId[];
  /**
   * `outdated`: changes of any tracked user may be hidden in it. `untracked`: it is unknown who left. Applied before
   * `changed` and `left`.
   */
  readonly everyone?: "outdated" | "untracked" | undefined;
  /**
   * Whether it is only a part of what a response brings, and the step that completes it follows: what closes a gap
   * before it, or some of its long lists.
   */
  readonly isPartial?: boolean | undefined;
  /** Whether it stands for missed responses. Extensions miss these first, then apply the events of the step. */
  readonly isGap?: true | undefined;
  /**
   * What extensions read in the response. An extension without an entry in a step that moves the token has missed the
   * step. A step of events alone moves no token and names no users.
   */
  readonly events?: ExtensionEvents | undefined;
}

/** Events by the name of their extension, in order. */
export type ExtensionEvents = Readonly<Record<string, readonly unknown[]>>;

/** A change that the application asked for, or what is left of a step from a stream that is behind. */
export interface UsersChange {
  /**
   * `track` and `untrack` are no-ops for users who are tracked, or not, already. `invalidate` outdates those of the
   * users who are tracked.
   */
  readonly type: "track" | "untrack" | "invalidate";
  readonly users: readonly UserId[];
  /** Whether a person's word has changed what is saved of the users, in the same transaction. */
  readonly edited?: true | undefined;
  /** What extensions keep of a step from a stream that is behind. */
  readonly events?: ExtensionEvents | undefined;
}

/** One change of the tracked users. */
export type Change = SyncStep | UsersChange;

/** A change with its number in the chain. */
export interface Commit {
  readonly number: number;
  readonly change: Change;
}

/** Whether a step changes nothing at all: an idle poll of a server that repeats its token. */
export function isEmptyStep(step: SyncStep): boolean {
  const { changed, left, everyone, events = {} } = step;
  const hasEvents = Object.values(events).some((some) => some.length > 0);
  return changed.length + left.length === 0 && everyone === undefined && !hasEvents && !movesToken(step);
}

/** Whether a step leads to another token than the one it begins at. */
export const movesToken = ({ since, next }: Pick<SyncStep, "since" | "next">): boolean =>
  next !== undefined && next !== since;

/**
 * One step that does what two do, one after the other; `undefined` if the second does not begin where the first ends,
 * or if they name more users than are processed at once.
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

/** An extension that has missed one of the steps has missed the joined one. */
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

/** Users who changed, and users who left. */
export interface NamedUsers {
  readonly changed: readonly UserId[];
  readonly left: readonly UserId[];
}

/** The users named in several lists, one after the other: the last one that names a user counts. */
export function lastMentions(lists: readonly NamedUsers[]): NamedUsers {
  const last = new Map<UserId, keyof NamedUsers>();
  for (const { changed, left } of lists) {
    for (const userId of changed) last.set(userId, "changed");
    for (const userId of left) last.set(userId, "left");
  }
  const named = (kind: keyof NamedUsers) => Array.from(last).flatMap(([userId, was]) => (was === kind ? [userId] : []));
  return { changed: named("changed"), left: named("left") };
}

/** Whether any user may have left in it: after a gap that could not be closed, and before an account's first token. */
export const isFailedGap = ({ change }: Pick<Commit, "change">): boolean =>
  (change.type === "step" && change.everyone === "untracked") || isFirstStep(change);

/** Whether it leads to the first token of an account. */
export const isFirstStep = (change: Change): boolean =>
  change.type === "step" && change.since === undefined && change.next !== undefined;

/** The users of whom a person's word has changed what is saved. */
export const editedIn = (commits: readonly Commit[]): readonly UserId[] =>
  commits.flatMap(({ change }) => (change.type === "step" || change.edited !== true ? [] : change.users));

/** Whether a user left, or was untracked by a gap that could not be closed, in any of these commits. */
export function departures(commits: readonly Commit[]): (userId: UserId) => boolean {
  const left = new Set<UserId>();
  for (const { change } of commits) {
    if (isFailedGap({ change })) return () => true;
    if (change.type === "step") for (const userId of change.left) left.add(userId);
  }
  return (userId) => left.has(userId);
}
