import { filter, ignoreElements, map, merge, mergeMap, tap, type Observable } from "rxjs";
import type { DeviceKeysByUser, DeviceTracker, IdentityStatus, UserId } from "matrix-device-tracker";
import { confirmedKey } from "./confirmed-key.js";
import type { Decision } from "./decision.js";
import type { UserHistory } from "./observed-histories.js";
import type { Note } from "./tracker-event.js";

/** Each completes when the decision is durable. */
export interface Decisions {
  /** Acknowledges a changed identity, with the master key that was shown. */
  readonly acknowledge: (userId: UserId, masterKey: string) => Observable<never>;
  /** Confirms that this master key is our own. */
  readonly confirm: (masterKey: string) => Observable<never>;
  /** Goes on without verification of a user who was verified once. */
  readonly withdraw: (userId: UserId) => Observable<never>;
}

export interface ObservedDecisions {
  readonly decisions: Decisions;
  /** Records decisions in this tab and others, as they show in the lists and the histories. */
  readonly observe: (lists$: Observable<DeviceKeysByUser>, histories$: Observable<UserHistory>) => Observable<never>;
}

export function observedDecisions(tracker: DeviceTracker, ownUserId: UserId, note: Note): ObservedDecisions {
  const decidedHere = new Set<string>();
  const decideHere = (decision: Decision, userId: UserId) => decidedHere.add(`${decision} ${userId}`);
  return {
    decisions: {
      acknowledge: (userId, masterKey) => {
        decideHere("acknowledged", userId);
        return tracker.acknowledgeIdentity(userId, masterKey).pipe(ignoreElements());
      },
      confirm: (masterKey) => {
        decideHere("confirmed", ownUserId);
        return tracker.confirmOwnIdentity(masterKey).pipe(ignoreElements());
      },
      withdraw: (userId) => {
        decideHere("withdrawn", userId);
        return tracker.withdrawVerification(userId).pipe(ignoreElements());
      },
    },
    observe: (lists$, histories$) =>
      merge(inLists(lists$), inHistories(histories$, ownUserId)).pipe(
        tap(([decision, userId]) => {
          const isHere = decidedHere.delete(`${decision} ${userId}`);
          note({ type: "decided", decision, userId, elsewhere: !isHere });
        }),
        ignoreElements(),
      ),
  };
}

type Decided = readonly [decision: Decision, userId: UserId];

function inLists(lists$: Observable<DeviceKeysByUser>): Observable<Decided> {
  const identities = new Map<UserId, IdentityStatus>();
  return lists$.pipe(
    mergeMap((lists) => lists),
    mergeMap(([userId, { identity }]) => {
      const before = identities.get(userId);
      identities.set(userId, identity);
      const decision = before && decisionBetween(before, identity);
      return decision === undefined ? [] : [[decision, userId] as const];
    }),
  );
}

function decisionBetween(before: IdentityStatus, now: IdentityStatus): Decision | undefined {
  if (now.state !== "unchanged" || now.masterKey !== before.masterKey) return undefined;
  if (before.state === "changed") return "acknowledged";
  return before.wasVerified && !now.wasVerified ? "withdrawn" : undefined;
}

/** A confirmation of our own identity changes no identity in the lists: it is in our own history. */
function inHistories(histories$: Observable<UserHistory>, ownUserId: UserId): Observable<Decided> {
  let before: string | undefined;
  let isFirst = true;
  return histories$.pipe(
    filter(([userId]) => userId === ownUserId),
    map(([, history]) => confirmedKey(history)),
    filter((key) => {
      const isNew = !isFirst && key !== undefined && key !== before;
      [before, isFirst] = [key, false];
      return isNew;
    }),
    map(() => ["confirmed", ownUserId] as const),
  );
}
