import type { UserId } from "../model/ids.js";
import type { Revision } from "../store/revision.js";

/** What is known of a tracked user without reading their list. */
export interface TrackedUser {
  /** That of their last change. */
  readonly revision: Revision;
  /** Whether the list that we have is missing or older than that change. */
  readonly outdated: boolean;
}

/** The tracked-users state: what the sync responses so far have been scanned into. */
export interface Tracking {
  /** The sync token on which this state stands. */
  readonly token: string | undefined;
  readonly users: ReadonlyMap<UserId, TrackedUser>;
  /** What the last event did to the state. */
  readonly last: Effects;
}

/** What an event did to the state. */
export interface Effects {
  /** Users whose cached list, if there was one, is no longer to be used. */
  readonly invalidated: readonly UserId[];
  /** Users who are no longer tracked, or never were. */
  readonly left: readonly UserId[];
  /** Whether the set of tracked users is another one. */
  readonly usersChanged: boolean;
}

/** What happens to the tracked users. */
export type TrackingEvent =
  /** The saved state was read. */
  | { readonly type: "loaded"; readonly token: string | undefined; readonly users: ReadonlyMap<UserId, TrackedUser> }
  /** The saved state was read again: it is right about everything that this tracker has committed. */
  | { readonly type: "reloaded"; readonly token: string | undefined; readonly users: ReadonlyMap<UserId, TrackedUser> }
  /** A sync response was given. `everyone`: it may hide changes of any tracked user. */
  | {
      readonly type: "step";
      readonly token: string | undefined;
      readonly changed: readonly UserId[];
      readonly left: readonly UserId[];
      readonly everyone: boolean;
      readonly revision: Revision;
    }
  /** The application said whom we share encrypted rooms with. */
  | { readonly type: "track"; readonly users: readonly UserId[]; readonly revision: Revision }
  /** Lists that answer these revisions are in the cache. */
  | { readonly type: "listed"; readonly users: ReadonlyMap<UserId, { readonly revision: Revision }> }
  /** The store knows of changes that this tracker had not been given: it is right about every user still at the revision `from`. */
  | {
      readonly type: "adopt";
      readonly users: ReadonlyMap<UserId, { readonly from: Revision; readonly to: TrackedUser | undefined }>;
    };

const NOTHING: Effects = { invalidated: [], left: [], usersChanged: false };

/** The state before anything is known: our own user is tracked from the start, and nothing was ever fetched. */
export const initialTracking = (ownUserId: UserId, revision: Revision): Tracking => ({
  token: undefined,
  users: new Map([[ownUserId, { revision, outdated: true }]]),
  last: NOTHING,
});

/**
 * The reducer of the tracked-users state, for `scan`.
 *
 * It owns the map of the state it is given and writes into it: copying it would make every sync step cost time in the number
 * of users tracked instead of the number of users in the step. A former state's `users` are therefore not to be kept.
 */
export function reduceTracking(state: Tracking, event: TrackingEvent): Tracking {
  const users = state.users as Map<UserId, TrackedUser>;
  const before = users.size;
  switch (event.type) {
    case "loaded":
      return {
        token: event.token,
        users: new Map(event.users),
        last: { invalidated: [], left: [], usersChanged: true },
      };

    case "reloaded": {
      const invalidated: UserId[] = [];
      for (const [userId, saved] of event.users) {
        const known = users.get(userId);
        if (known !== undefined && known.revision.committed === saved.revision.committed) {
          // No change that this tracker does not know. A list that could not be saved is in memory all the same.
          users.set(userId, { revision: known.revision, outdated: known.outdated && saved.outdated });
        } else {
          users.set(userId, saved);
          invalidated.push(userId);
        }
      }
      const left = Array.from(users.keys()).filter((userId) => !event.users.has(userId));
      for (const userId of left) users.delete(userId);
      return {
        token: event.token,
        users,
        last: { invalidated, left, usersChanged: left.length > 0 || users.size !== before },
      };
    }

    case "step": {
      const invalidated = [...event.changed];
      if (event.everyone) {
        const named = new Set(event.changed);
        for (const [userId, { outdated }] of users) if (!outdated && !named.has(userId)) invalidated.push(userId);
        for (const userId of users.keys()) users.set(userId, { revision: event.revision, outdated: true });
      }
      let dropped = 0;
      for (const userId of event.left) if (users.delete(userId)) dropped++;
      for (const userId of event.changed) users.set(userId, { revision: event.revision, outdated: true });
      const left = new Set(event.left);
      return {
        token: event.token,
        users,
        last: {
          invalidated: left.size === 0 ? invalidated : invalidated.filter((userId) => !left.has(userId)),
          left: event.left,
          usersChanged: dropped > 0 || users.size !== before,
        },
      };
    }

    case "track": {
      const invalidated = event.users.filter((userId) => !users.has(userId));
      for (const userId of invalidated) users.set(userId, { revision: event.revision, outdated: true });
      return { ...state, last: { invalidated, left: [], usersChanged: users.size !== before } };
    }

    case "listed":
      for (const [userId, { revision }] of event.users) {
        if (users.get(userId)?.revision === revision) users.set(userId, { revision, outdated: false });
      }
      return { ...state, last: NOTHING };

    case "adopt": {
      const invalidated: UserId[] = [];
      const left: UserId[] = [];
      for (const [userId, { from, to }] of event.users) {
        if (users.get(userId)?.revision !== from) continue; // changed again since: that change is the newer one
        if (to === undefined) {
          users.delete(userId);
          left.push(userId);
        } else {
          users.set(userId, to);
          if (to.revision !== from) invalidated.push(userId);
        }
      }
      return { ...state, last: { invalidated, left, usersChanged: left.length > 0 } };
    }
  }
}
