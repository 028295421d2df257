import { map, of, switchMap, throwError, type Observable } from "rxjs";
import { StoreClearedError, StoreFormatError, StoreOwnerError } from "../model/errors.js";
import { isObject } from "../keys/json.js";
import { isUserId, type UserId } from "../model/ids.js";
import { LOST_COUNTER_LEAP, savedUser } from "./commit.js";
import type { DeviceStore } from "./device-store.js";
import {
  EPOCH,
  OWN_IDENTITY,
  OWNER,
  readEpoch,
  readOwner,
  readOwnIdentity,
  readState,
  readSync,
  STORE_FORMAT,
  SYNC,
  type OwnerRecord,
  type SyncRecord,
} from "./records.js";
import { Revision } from "./revision.js";
import { OWN_USER } from "../lists/save-lists.js";

/** What a store holds: everything but the lists. */
export interface SavedAccount {
  readonly owner: OwnerRecord;
  readonly token: string | undefined;
  /** The last revision allotted. */
  readonly revision: number;
  /** The steps committed last. */
  readonly steps: SyncRecord["steps"];
  /** Our own user-signing key, by our own saved list. */
  readonly ourKey: string | undefined;
  readonly users: ReadonlyMap<UserId, { readonly revision: Revision; readonly outdated: boolean }>;
  /** Records that could not be trusted, by kind. */
  readonly damaged: ReadonlyMap<string, readonly string[]>;
}

/**
 * Makes sure that the store is this user's, and reads their saved state.
 *
 * Fails with {@link StoreOwnerError} before anything but the owner's name is read, and with {@link StoreFormatError} where a newer version wrote the store.
 * @param lifetime a name for what the store is from now on, if it has no owner yet: one that no other life of it ever had
 */
export function loadAccount(store: DeviceStore, userId: UserId, lifetime: string): Observable<SavedAccount> {
  return store.read([OWNER]).pipe(
    switchMap(([saved]) => (saved === undefined ? claim(store, userId, lifetime) : of(saved))),
    switchMap((saved) => {
      const owner = readOwner(saved);
      // A newer version may name its owner in another way.
      const format = isObject(saved) ? saved.format : undefined;
      const isNewer =
        typeof format === "number" && format > STORE_FORMAT && (owner === undefined || owner.userId === userId);
      if (isNewer) return throwError(() => new StoreFormatError(format, STORE_FORMAT));
      // Nobody can tell whose lists an unreadable owner's are: they are forgotten like anything else that cannot be trusted.
      if (owner === undefined)
        return store.clear().pipe(
          switchMap(() => claim(store, userId, lifetime)),
          map((claimed) => ({ owner: claimed, wiped: true })),
        );
      return of({ owner, wiped: false });
    }),
    switchMap(({ owner, wiped }) => {
      if (owner.userId !== userId) return throwError(() => new StoreOwnerError(owner.userId, userId));
      return readAccount(store, owner, wiped);
    }),
  );
}

function claim(store: DeviceStore, userId: UserId, lifetime: string): Observable<OwnerRecord> {
  return store.update([OWNER], ([saved]) => {
    const owner = readOwner(saved); // another tab may have been faster
    if (owner !== undefined) return { puts: [], deletes: [], result: owner };
    const claimed: OwnerRecord = { userId, format: STORE_FORMAT, lifetime };
    return { puts: [[OWNER, claimed]], deletes: [], result: claimed };
  });
}

/**
 * Reads the saved state of an account, as of one moment.
 *
 * Fails with {@link StoreClearedError} where the store is no longer in this owner's life.
 * @param wiped whether the store was wiped a moment ago because it could not be trusted
 */
export function readAccount(store: DeviceStore, owner: OwnerRecord, wiped = false): Observable<SavedAccount> {
  return store.readKinds(["account", "state"]).pipe(
    switchMap(([account = new Map<string, unknown>(), states = new Map<string, unknown>()]) => {
      if (readOwner(account.get(OWNER[1]))?.lifetime !== owner.lifetime)
        return throwError(() => new StoreClearedError());
      const savedSync = account.get(SYNC[1]);
      const savedEpoch = account.get(EPOCH[1]);
      const ourKey = readOwnIdentity(account.get(OWN_IDENTITY[1]))?.userSigningKey;
      const sync = readSync(savedSync);
      const epoch = readEpoch(savedEpoch);
      const damagedStates = Array.from(states).filter(([id, state]) => !isUserId(id) || readState(state) === undefined);
      const damagedAccount = [
        ...(wiped ? [OWNER[1]] : []),
        ...((sync === undefined ? savedSync !== undefined || states.size > 0 : isBehind(sync.revision, states))
          ? [SYNC[1]]
          : []),
        ...((epoch === undefined && savedEpoch !== undefined) || (epoch ?? 0) > (sync?.revision ?? Infinity)
          ? [EPOCH[1]]
          : []),
      ];
      const damaged = new Map<string, readonly string[]>();
      if (damagedAccount.length > 0) damaged.set("account", damagedAccount);
      if (damagedStates.length > 0)
        damaged.set(
          "state",
          damagedStates.map(([id]) => id),
        );
      const account$ =
        damagedAccount.length > 0 && !wiped
          ? mend(store, owner, states)
          : of({ sync: sync ?? ({ revision: 0, steps: [] } satisfies SyncRecord), epoch: epoch ?? 0 });
      return account$.pipe(
        map((mended) => ({
          owner,
          token: mended.sync.token,
          revision: mended.sync.revision,
          steps: mended.sync.steps,
          ourKey,
          users: savedUsers(states, mended.epoch, owner.userId),
          damaged,
        })),
      );
    }),
  );
}

/** Whether a state has a revision that the counter has not come to: then one of the two is damaged, and it would be allotted twice. */
function isBehind(counter: number, states: ReadonlyMap<string, unknown>): boolean {
  for (const state of states.values()) {
    const { revision = 0, listed = 0 } = readState(state) ?? {};
    if (revision > counter || listed > counter) return true;
  }
  return false;
}

/**
 * Puts a damaged account right: without its counter, revisions would be allotted twice, and without its epoch outdated lists would be trusted.
 * Everyone is outdated from a revision on that is greater than any ever allotted to a list; without a readable token, sync begins anew.
 */
function mend(
  store: DeviceStore,
  owner: OwnerRecord,
  states: ReadonlyMap<string, unknown>,
): Observable<{ sync: SyncRecord; epoch: number }> {
  let revision = 0;
  for (const state of states.values()) {
    const { revision: changed = 0, listed = 0 } = readState(state) ?? {};
    revision = Math.max(revision, changed, listed);
  }
  return store.update([OWNER, SYNC, EPOCH], ([savedOwner, savedSync, savedEpoch]) => {
    const counter = readSync(savedSync)?.revision ?? 0;
    // Where the counter is lost, by a leap: steps that change no state at hand have moved it, too, and a tab that is running knows how far it had come.
    const mended =
      Math.max(revision, counter, readEpoch(savedEpoch) ?? 0) +
      (readSync(savedSync) === undefined || counter < revision ? LOST_COUNTER_LEAP : 1);
    const sync: SyncRecord = { steps: [], ...readSync(savedSync), revision: mended };
    const puts =
      readOwner(savedOwner)?.lifetime === owner.lifetime
        ? ([
            [SYNC, sync],
            [EPOCH, mended],
          ] as const)
        : [];
    return { puts, deletes: [], result: { sync, epoch: mended } };
  });
}

function savedUsers(states: ReadonlyMap<string, unknown>, epoch: number, ownUserId: UserId): SavedAccount["users"] {
  const revisions = new Map<number, Revision>(); // users of one step share theirs: a hundred thousand users need few
  const revisionOf = (committed: number) => {
    let revision = revisions.get(committed);
    if (revision === undefined) revisions.set(committed, (revision = new Revision(committed)));
    return revision;
  };
  const users = new Map<UserId, { revision: Revision; outdated: boolean }>();
  for (const [userId, state] of [[ownUserId, OWN_USER] as const, ...states]) {
    const saved = savedUser(state, epoch);
    if (saved !== undefined && isUserId(userId))
      users.set(userId, { revision: revisionOf(saved.revision), outdated: saved.outdated });
  }
  return users;
}
