import { filter, ignoreElements, map, mergeMap, tap, type Observable } from "rxjs";
import type { DeviceKeysByUser, DeviceTracker, IdentityStatus, UserId } from "matrix-device-tracker";
import type { Note } from "./tracker-event.js";

export interface ObservedAcknowledgements {
  /** Acknowledges a changed identity. Completes when that is durable. */
  readonly acknowledge: (userId: UserId, masterKey: string) => Observable<never>;
  /**
   * Records acknowledgements in this tab and others, as they show in the lists: a changed identity is unchanged, with
   * the same master key.
   */
  readonly observe: (lists$: Observable<DeviceKeysByUser>) => Observable<never>;
}

export function observedAcknowledgements(tracker: DeviceTracker, note: Note): ObservedAcknowledgements {
  const identities = new Map<UserId, IdentityStatus>();
  const acknowledgedHere = new Set<string>();
  return {
    acknowledge: (userId, masterKey) => {
      acknowledgedHere.add(masterKey);
      return tracker.acknowledgeIdentity(userId, masterKey).pipe(ignoreElements());
    },
    observe: (lists$) =>
      lists$.pipe(
        mergeMap((lists) => lists),
        map(([userId, { identity }]) => {
          const before = identities.get(userId);
          identities.set(userId, identity);
          return { userId, before, identity };
        }),
        filter(({ before, identity }) => isAcknowledged(before, identity)),
        tap(({ userId, identity: { masterKey = "" } }) => {
          note({ type: "acknowledged", userId, elsewhere: !acknowledgedHere.has(masterKey) });
        }),
        ignoreElements(),
      ),
  };
}

const isAcknowledged = (before: IdentityStatus | undefined, now: IdentityStatus): boolean =>
  before?.state === "changed" && now.state === "unchanged" && now.masterKey === before.masterKey;
