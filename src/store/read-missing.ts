import { defer, map, mergeMap, of, throwError, type Observable, type SchedulerLike } from "rxjs";
import { MAX_TAIL } from "../model/batch-sizes.js";
import { StoreClearedError } from "../model/errors.js";
import type { Commit } from "./change.js";
import type { DeviceStore } from "./device-store.js";
import { concernsExtensions, readExtensions, type SavedExtensions } from "./extension-records.js";
import { readAccount, type SavedAccount } from "./load.js";
import {
  logKey,
  NO_SYNC,
  OWNER,
  readLog,
  readOwner,
  readSync,
  SYNC,
  type LogRecord,
  type OwnerRecord,
  type SyncRecord,
} from "./records.js";
import type { Base } from "./transactions.js";

export type Missing =
  /** What was appended to the log since. `extensions`: their state at its end, if it was read. */
  | {
      readonly type: "tail";
      readonly position: number;
      readonly records: readonly LogRecord[];
      readonly extensions?: SavedExtensions;
    }
  /** The log does not reach back to the clone's position. */
  | { readonly type: "everything"; readonly account: SavedAccount };

/**
 * Reads what was appended to the log since a clone's position, or everything if that cannot be read.
 *
 * Fails with {@link StoreClearedError} if the store is no longer in this owner's life.
 * @param withExtensions true to read extensions as well: pending changes have affected them, and they cannot undo that
 */
export function readMissing(
  store: DeviceStore,
  owner: OwnerRecord,
  base: Base,
  scheduler: SchedulerLike,
  withExtensions = false,
): Observable<Missing> {
  const everything$ = defer(() => readAccount(store, owner, scheduler)).pipe(
    map((account): Missing => ({ type: "everything", account })),
  );
  const tail$ = withExtensions ? readWithExtensions(store, owner, base) : readTail(store, owner, base);
  return tail$.pipe(mergeMap((tail) => (tail === undefined ? everything$ : of(tail))));
}

type Tail = Extract<Missing, { type: "tail" }>;

function readTail(store: DeviceStore, owner: OwnerRecord, base: Base): Observable<Tail | undefined> {
  return store.read([OWNER, SYNC]).pipe(
    mergeMap(([savedOwner, saved]) => {
      if (readOwner(savedOwner)?.lifetime !== owner.lifetime) return throwError(() => new StoreClearedError());
      const sync = reachable(saved, base);
      if (sync === undefined || sync.position === base.position) return of(sync && tailOf(sync, base, []));
      const keys = positions(base.position, sync.position).map((at) => logKey(at));
      return store.read(keys).pipe(map((found) => tailOf(sync, base, found)));
    }),
  );
}

function readWithExtensions(store: DeviceStore, owner: OwnerRecord, base: Base): Observable<Tail | undefined> {
  return store.readKinds(["account", "log", "extension"]).pipe(
    map((kinds) => {
      const [account, log, extended = new Map<string, unknown>()] = kinds;
      if (readOwner(account?.get(OWNER[1]))?.lifetime !== owner.lifetime) throw new StoreClearedError();
      const sync = reachable(account?.get(SYNC[1]), base);
      if (sync === undefined) return undefined;
      const from = (position: number) => positions(position, sync.position).map((at) => log?.get(logKey(at)[1]));
      const tail = tailOf(sync, base, from(base.position));
      const folded = tailOf(sync, sync.snapshot, from(sync.snapshot.position));
      if (tail === undefined || folded === undefined) return undefined;
      const changes = commitsIn(folded.records).map(({ change }) => change);
      return { ...tail, extensions: readExtensions(sync, extended, changes.filter(concernsExtensions)) };
    }),
  );
}

/** Returns the saved head, if the log may reach from a clone's position to it. */
function reachable(saved: unknown, { head, position }: Base): SyncRecord | undefined {
  const sync = saved === undefined && head === 0 && position === 0 ? NO_SYNC : readSync(saved);
  if (sync === undefined || sync.position < position || sync.head < head) return undefined;
  return sync.position - position > MAX_TAIL ? undefined : sync;
}

/** Returns the appended records, if all of them can be read. */
function tailOf(sync: SyncRecord, { head, position }: Base, found: readonly unknown[]): Tail | undefined {
  const records = found.flatMap((record) => readLog(record) ?? []);
  const lastCommit = commitsIn(records).at(-1)?.number ?? head;
  const isWhole = records.length === sync.position - position && (records.length === 0 || lastCommit === sync.head);
  return isWhole ? { type: "tail", position: sync.position, records } : undefined;
}

const positions = (after: number, upTo: number): readonly number[] =>
  Array.from({ length: upTo - after }, (_, i) => after + 1 + i);

const commitsIn = (records: readonly LogRecord[]): readonly Commit[] =>
  records.flatMap((record) => (record.type === "commits" ? record.commits : []));
