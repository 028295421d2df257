import type { UserId } from "../../src/model/ids.js";
import type { Commit, SyncStep, UsersChange } from "../../src/store/change.js";
import { LIST_STATES } from "../../src/store/records.js";
import type { TrackedUser, TrackedUsers } from "../../src/store/tracked-users.js";
import { localpart } from "../support/summary.js";

/** A step without users and tokens, except those given. */
export const step = (properties: Partial<SyncStep> = {}): SyncStep => ({
  type: "step",
  changed: [],
  left: [],
  ...properties,
});

/** A step from one token to the next in which these users changed. */
export const changing = (since: string, next: string, ...changed: readonly UserId[]): SyncStep =>
  step({ since, next, changed });

/** A step from one token to the next in which these users left. */
export const leaving = (since: string, next: string, ...left: readonly UserId[]): SyncStep =>
  step({ since, next, left });

export const track = (...users: readonly UserId[]): UsersChange => ({ type: "track", users });
export const untrack = (...users: readonly UserId[]): UsersChange => ({ type: "untrack", users });
export const invalidate = (...users: readonly UserId[]): UsersChange => ({ type: "invalidate", users });

/** These changes as commits, numbered from here. */
export const commits = (first: number, ...changes: readonly Commit["change"][]): readonly Commit[] =>
  changes.map((change, i) => ({ number: first + i, change }));

const stateOf = ({ outdated, hasList }: TrackedUser): (typeof LIST_STATES)[number] =>
  outdated ? (hasList ? "outdated" : "none") : "current";

/** The tracked users, such as `bob@3 current`: the number of the revision, and the state of the saved list. */
export const usersOf = ({ users }: Pick<TrackedUsers, "users">): readonly string[] =>
  Array.from(users, ([userId, user]) => `${localpart(userId)}@${user.revision.number} ${stateOf(user)}`);
