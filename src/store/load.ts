import {
  concat,
  defer,
  from,
  ignoreElements,
  map,
  mergeMap,
  of,
  tap,
  throwError,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { MIN_LOG } from "../model/batch-sizes.js";
import { StoreClearedError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import { departures, isFirstStep, type Change, type Commit } from "./change.js";
import { emptyClone, follow, followSave, type SavedState } from "./clone.js";
import type { DeviceStore, RecordKey } from "./device-store.js";
import { concernsExtensions, NO_EXTENSIONS, readExtensions, type SavedExtensions } from "./extension-records.js";
import { inSlices } from "./in-slices.js";
import { mend } from "./mend.js";
import { ownStore, type OwnedStore } from "./owner.js";
import {
  LIST_STATES,
  logKey,
  NO_SYNC,
  OWN_IDENTITY,
  OWNER,
  readLog,
  readOwner,
  readOwnIdentity,
  readSnapshot,
  readSync,
  snapshotKey,
  SYNC,
  type OwnerRecord,
  type SyncRecord,
} from "./records.js";

/** Everything that a store holds except the lists. */
export interface SavedAccount {
  readonly owner: OwnerRecord;
  readonly state: SavedState;
  /** True if a user left in any commit so far, or may have left in one that is no longer in the log. */
  readonly hasLeft: (userId: UserId) => boolean;
  /** Tokens that the last commits in the log led to or began at, except the current one. */
  readonly passed: ReadonlySet<string>;
  /** Our own user-signing key, according to our saved list. */
  readonly ourKey: string | undefined;
  readonly extensions: SavedExtensions;
  /** IDs of records that could not be trusted, by kind. */
  readonly damaged: ReadonlyMap<string, readonly string[]>;
  /** The store's former format, if it was of an older version and was replaced. */
  readonly replaced?: number;
}

/**
 * Makes sure that the store belongs to this user, and reads their saved state. Fails as {@link ownStore} does.
 *
 * If subscribed to again after a failure, it expects the owner found before: a store that is in another life was
 * cleared in the meantime and must not be claimed again.
 * @param lifetime a name for the store's life, used if it has no owner yet
 */
export function loadAccount(
  store: DeviceStore,
  userId: UserId,
  lifetime: string,
  scheduler: SchedulerLike,
): Observable<SavedAccount> {
  let owned: OwnedStore | undefined;
  const own$ = defer(() => (owned === undefined ? ownStore(store, userId, lifetime) : of(owned)));
  return own$.pipe(
    tap((found) => (owned = found)),
    mergeMap(({ owner, replaced, isDamaged }) =>
      readAccount(store, owner, scheduler).pipe(
        map((account) => ({
          ...account,
          ...(isDamaged && { damaged: new Map([["account", [OWNER[1]]]]) }),
          ...(replaced !== undefined && { replaced }),
        })),
      ),
    ),
  );
}

/**
 * Reads an account's whole saved state as of one moment, and mends it if it is damaged.
 *
 * Fails with {@link StoreClearedError} if the store is no longer in this owner's life.
 */
export function readAccount(
  store: DeviceStore,
  owner: OwnerRecord,
  scheduler: SchedulerLike,
): Observable<SavedAccount> {
  return store.readKinds(["account", "snapshot", "log", "extension"]).pipe(
    mergeMap((kinds) => {
      const [
        account = new Map<string, unknown>(),
        snapshots = new Map<string, unknown>(),
        log = new Map<string, unknown>(),
        extended = new Map<string, unknown>(),
      ] = kinds;
      if (readOwner(account.get(OWNER[1]))?.lifetime !== owner.lifetime)
        return throwError(() => new StoreClearedError());
      const ourKey = readOwnIdentity(account.get(OWN_IDENTITY[1]))?.userSigningKey;
      const sync = account.has(SYNC[1])
        ? readSync(account.get(SYNC[1]))
        : snapshots.size + log.size === 0
          ? NO_SYNC
          : undefined;
      return fold(owner.userId, sync, { snapshots, log }, scheduler).pipe(
        mergeMap(({ state, damaged, changes }) => {
          const hasLeft = sync !== undefined && damaged.size === 0 ? departuresIn(log, sync.position) : () => true;
          const passed = sync !== undefined && damaged.size === 0 ? passedIn(log, sync) : new Set<string>();
          const extensions: SavedExtensions =
            sync !== undefined && damaged.size === 0
              ? readExtensions(sync, extended, changes)
              : { ...NO_EXTENSIONS, isFromStart: false };
          const found: SavedAccount = { owner, state, hasLeft, passed, ourKey, extensions, damaged };
          if (damaged.size === 0) return of(found);
          return mend(store, owner, { sync: account.get(SYNC[1]), snapshots, log, extended }).pipe(
            map((mended) => ({ ...found, state: mended })),
          );
        }),
      );
    }),
  );
}

type Records = ReadonlyMap<string, unknown>;

/** Reads the log only when needed, which is rare. */
function departuresIn(log: Records, position: number): SavedAccount["hasLeft"] {
  let hasLeft: SavedAccount["hasLeft"] | undefined;
  return (userId) => (hasLeft ??= readDepartures(log, position))(userId);
}

/** From the first commit ever, at position 1: a snapshot does not say which users left before it. */
function readDepartures(log: Records, position: number): SavedAccount["hasLeft"] {
  const commits: Commit[] = [];
  for (let at = 1; at <= position; at++) {
    const record = readLog(log.get(logKey(at)[1]));
    if (record === undefined) return () => true;
    if (record.type === "commits") commits.push(...record.commits);
  }
  // The account's first token came before any call in this page.
  return departures(commits.filter(({ change }) => !isFirstStep(change)));
}

/** Reads only the tokens of the last records: each record may name thousands of users. */
function passedIn(log: Records, { position, token }: SyncRecord): ReadonlySet<string> {
  const passed = new Set<string>();
  for (let at = Math.max(1, position - MIN_LOG + 1); at <= position; at++) {
    const record = log.get(logKey(at)[1]);
    for (const commit of isObject(record) && Array.isArray(record.commits) ? (record.commits as unknown[]) : []) {
      const change = isObject(commit) && isObject(commit.change) ? commit.change : {};
      if (change.everyone === "untracked") passed.clear(); // tokens before and after it have no known order
      if (typeof change.next !== "string") continue; // without a token, it may be of another stream
      const begins = change.everyone === "untracked" ? undefined : change.since;
      for (const one of [begins, change.next]) if (typeof one === "string" && one !== token) passed.add(one);
    }
  }
  return passed;
}

/** Reading stops after this many damaged records: a damaged head may claim that there are any number. */
const MAX_REFUSED = 100;

interface Folded {
  readonly state: SavedState;
  readonly damaged: ReadonlyMap<string, readonly string[]>;
  readonly changes: readonly Change[];
}

/** Folds the snapshot and the log after it. */
function fold(
  userId: UserId,
  sync: SyncRecord | undefined,
  { snapshots, log }: { readonly snapshots: Records; readonly log: Records },
  scheduler: SchedulerLike,
): Observable<Folded> {
  const clone = emptyClone(userId);
  if (sync === undefined) return of({ state: clone, damaged: new Map([["account", [SYNC[1]]]]), changes: [] });
  const { snapshot, position, token } = sync;
  const damaged = new Map<string, string[]>();
  const changes: Change[] = [];
  let refused = 0;
  const refuse = ([kind, id]: RecordKey) => {
    refused++;
    damaged.set(kind, [...(damaged.get(kind) ?? []), id]);
  };
  clone.head = snapshot.head;
  const revisions = new Map<number, { readonly number: number }>(); // a hundred thousand users share few objects
  const foldSnapshot = (key: RecordKey) => {
    const users = readSnapshot(snapshots.get(key[1]));
    if (users === undefined) refuse(key);
    for (const [user, number, list] of users ?? []) {
      const revision = revisions.get(number) ?? { number };
      revisions.set(number, revision);
      const outdated = LIST_STATES[list] !== "current";
      clone.users.set(user, { revision, outdated, hasList: LIST_STATES[list] !== "none" });
    }
  };
  const foldLog = (key: RecordKey, at: number) => {
    const record = readLog(log.get(key[1]));
    if (record === undefined) refuse(key);
    else if (record.type === "save") followSave(clone, record.lists);
    else {
      follow(clone, record.commits, at);
      changes.push(...record.commits.map(({ change }) => change).filter(concernsExtensions));
    }
  };
  const length = (claimed: number, records: Records) => Math.min(claimed, records.size + MAX_REFUSED);
  const pieces = [
    ...Array.from({ length: length(snapshot.chunks, snapshots) }, (_, i) => () => {
      foldSnapshot(snapshotKey(i));
    }),
    ...Array.from({ length: length(position - snapshot.position, log) }, (_, i) => () => {
      const at = snapshot.position + 1 + i;
      foldLog(logKey(at), at);
    }),
  ];
  const done$ = from(pieces).pipe(
    inSlices(scheduler),
    tap((piece) => {
      if (refused < MAX_REFUSED) piece();
    }),
    ignoreElements(),
  );
  const folded$ = defer(() => {
    if (refused === 0 && clone.head !== sync.head) refuse(SYNC);
    return of({ state: { ...clone, token, position }, damaged, changes });
  });
  return concat(done$, folded$);
}
