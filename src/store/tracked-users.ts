import type { UserId } from "../model/ids.js";
import type { Change, SyncStep, UsersChange } from "./change.js";
import type { Revision } from "./revision.js";

/** What is known of a tracked user without reading their list. */
export interface TrackedUser {
  readonly revision: Revision;
  /** True if the saved list is missing or older than the revision. */
  readonly outdated: boolean;
  /** True if a list, however old, was saved since the user became tracked. If false, reading it is pointless. */
  readonly hasList: boolean;
}

/** The fold of all changes up to a point of the chain. */
export interface TrackedUsers {
  readonly ownUserId: UserId;
  /** The sync token up to which changes are included. */
  token: string | undefined;
  readonly users: Map<UserId, TrackedUser>;
}

/** Users as they were before a change; `undefined` for a user that was not tracked. */
export type Before = Map<UserId, TrackedUser | undefined>;

/** The effects of changes on the tracked users. */
export interface Effects {
  /** Tracked users with another revision than before. */
  readonly invalidated: readonly UserId[];
  readonly left: readonly UserId[];
  /** True if the set of tracked users may have changed. */
  readonly usersChanged: boolean;
}

/** The state of an empty store. Our own user is tracked from the start, at a revision before any change. */
export function initialUsers(ownUserId: UserId): TrackedUsers {
  return {
    ownUserId,
    token: undefined,
    users: new Map([[ownUserId, { revision: { number: 0 }, outdated: true, hasList: false }]]),
  };
}

/**
 * Folds one change into the state: the reducer behind memory, the store and every rebase.
 *
 * It writes into the given map: copying it would make a step take time in the number of tracked users instead of those
 * it names.
 * @returns the users it touched, as they were before
 */
export function applyChange(state: TrackedUsers, change: Change, revision: Revision): Before {
  return change.type === "step" ? applyStep(state, change, revision) : applyToUsers(state, change, revision);
}

/** Returns the effects of everything that happened since `before`. */
export function effectsSince(before: Before, { users }: Pick<TrackedUsers, "users">): Effects {
  const invalidated: UserId[] = [];
  const left: UserId[] = [];
  let usersChanged = false;
  for (const [userId, was] of before) {
    const now = users.get(userId);
    if (now !== undefined && now.revision !== was?.revision) invalidated.push(userId);
    if (now === undefined && was !== undefined) left.push(userId);
    if ((now === undefined) !== (was === undefined)) usersChanged = true;
  }
  return { invalidated, left, usersChanged };
}

function applyStep(state: TrackedUsers, step: SyncStep, revision: Revision): Before {
  const { users, ownUserId } = state;
  const before: Before = new Map();
  const change = changer(revision);
  if (step.everyone !== undefined) {
    for (const [userId, user] of users) {
      before.set(userId, user);
      if (step.everyone === "outdated" || userId === ownUserId) users.set(userId, change(user));
      else users.delete(userId);
    }
  }
  for (const userId of step.left) {
    note(before, users, userId);
    users.delete(userId);
  }
  for (const userId of step.changed) {
    note(before, users, userId);
    users.set(userId, change(users.get(userId)));
  }
  if (step.next !== undefined) state.token = step.next;
  return before;
}

function applyToUsers(
  { users, ownUserId }: TrackedUsers,
  { type, users: named }: UsersChange,
  revision: Revision,
): Before {
  const before: Before = new Map();
  const change = changer(revision);
  for (const userId of named) {
    const isTracked = users.has(userId);
    if (type === "track" ? isTracked : !isTracked) continue;
    if (type === "untrack" && userId === ownUserId) continue;
    note(before, users, userId);
    if (type === "untrack") users.delete(userId);
    else users.set(userId, change(users.get(userId)));
  }
  return before;
}

/** Users of one change share two objects: a change may name a hundred thousand users. */
function changer(revision: Revision): (user: TrackedUser | undefined) => TrackedUser {
  const withList: TrackedUser = { revision, outdated: true, hasList: true };
  const withoutList: TrackedUser = { revision, outdated: true, hasList: false };
  return (user) => (user?.hasList === true ? withList : withoutList);
}

function note(before: Before, users: ReadonlyMap<UserId, TrackedUser>, userId: UserId): void {
  if (!before.has(userId)) before.set(userId, users.get(userId));
}
