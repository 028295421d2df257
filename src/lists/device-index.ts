import {
  concatMap,
  defaultIfEmpty,
  defer,
  from,
  map,
  mergeMap,
  of,
  scan,
  takeLast,
  takeWhile,
  type Observable,
} from "rxjs";
import { canonicalKey, comparableKey, type KeyAlgorithm } from "../keys/device-key.js";
import { MAX_CLAIMS_OF_ONE_KEY, MAX_USERS_OF_ONE_KEY } from "../keys/limits.js";
import { StoreClearedError } from "../model/errors.js";
import type { DeviceId, UserId } from "../model/ids.js";
import { inPartsOf } from "../model/in-parts.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceStore } from "../store/device-store.js";
import { indexKey, listKey, OWNER, readOwner, readSync, SYNC, type OwnerRecord } from "../store/records.js";
import { Claims, type ClaimsByUser } from "./claims.js";
import { claimsKeys, indexEntries, readIndex } from "./index-record.js";
import { readListRecord } from "./list-record.js";
import type { PendingEdits } from "./pending-edits.js";
import { savedDevice } from "./saved-device.js";

export interface Claimant {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

const NO_CLAIMANTS: readonly Claimant[] = [];

export interface DeviceIndexPorts {
  readonly store: DeviceStore;
  /** Returns true if the store is still ours; reports it if not. */
  readonly isOurs: (owner: OwnerRecord | undefined) => boolean;
  readonly isTracked: (userId: UserId) => boolean;
  readonly report: (problem: TrackerProblem) => void;
  readonly pendingEdits: PendingEdits;
}

/**
 * Finds devices by their public keys.
 *
 * The index is a log beside the log: each save appends its devices. Once read, the index is kept in memory; later calls
 * read only what was appended since. Its entries are checked against the lists, so a stale one costs time but is never
 * returned.
 */
export class DeviceIndex {
  readonly #ports: DeviceIndexPorts;
  readonly #claims = new Claims();
  /** The position of the log up to which the index is in memory. */
  #read: number | undefined;

  constructor(ports: DeviceIndexPorts) {
    this.#ports = ports;
  }

  /**
   * Emits the devices in the saved lists that have this public key. Fails if the store cannot be read.
   *
   * If there are many, emits some of them: at least two, and up to {@link MAX_USERS_OF_ONE_KEY} users with up to {@link
   * MAX_CLAIMS_OF_ONE_KEY} devices each. A single device is emitted only if there is no other: excess claims must not
   * hide the true one.
   */
  claimants(algorithm: KeyAlgorithm, key: string): Observable<readonly Claimant[]> {
    const publicKey = canonicalKey(key, algorithm);
    const check = (claims: ClaimsByUser) => this.#check(claims, algorithm, publicKey);
    return defer(() => this.#catchUp()).pipe(
      mergeMap(() => {
        const { claims, more } = this.#claims.first(algorithm, publicKey);
        return check(claims).pipe(
          mergeMap((found) => (found.length > 1 || !more ? of(found) : check(this.#claims.all(algorithm, publicKey)))),
        );
      }),
    );
  }

  /** The store was replaced, so everything is read again. */
  reset(): void {
    this.#read = undefined;
  }

  #catchUp(): Observable<void> {
    const { store } = this.#ports;
    if (this.#read === undefined) return this.#readAll();
    return store.read([OWNER, SYNC]).pipe(
      mergeMap(([owner, saved]) => {
        this.#requireOurs(owner);
        const sync = readSync(saved);
        const known = this.#read;
        if (sync === undefined || known === undefined || known < sync.snapshot.position || sync.position < known)
          return this.#readAll();
        const keys = Array.from({ length: sync.position - known }, (_, i) => indexKey(known + 1 + i));
        if (keys.length === 0) return of(undefined);
        return store.read(keys).pipe(
          mergeMap((records) => {
            this.#read = sync.position;
            return this.#addAll(keys.map(([, id], i) => [id, records[i]]));
          }),
        );
      }),
    );
  }

  #readAll(): Observable<void> {
    return this.#ports.store.readKinds(["account", "index"]).pipe(
      mergeMap(([account, index]) => {
        this.#requireOurs(account?.get(OWNER[1]));
        this.#claims.clear();
        this.#read = readSync(account?.get(SYNC[1]))?.position ?? 0;
        return this.#addAll(Array.from(index ?? []).sort(([a], [b]) => orderOf(a) - orderOf(b)));
      }),
    );
  }

  /** If a record is damaged, its devices are found in the lists: the index must not lose a claimant. */
  #addAll(records: readonly (readonly [id: string, record: unknown])[]): Observable<void> {
    const damaged: string[] = [];
    for (const [id, record] of records) {
      const entries = record === undefined ? [] : readIndex(record);
      if (entries === undefined) damaged.push(id);
      else this.#claims.add(entries);
    }
    if (damaged.length === 0) return of(undefined);
    const message =
      `${damaged.length} record(s) of the index of public keys cannot be trusted; ` + "the lists are read instead";
    this.#ports.report({ type: "records-damaged", kind: "index", ids: damaged, message });
    return this.#ports.store.readKinds(["list"]).pipe(
      map(([lists]) => {
        for (const [userId, record] of lists ?? []) {
          const list = readListRecord(record, userId).saved?.list;
          if (list !== undefined) this.#claims.add(indexEntries(userId, undefined, list));
        }
      }),
    );
  }

  /** Checks these claims against the lists, some users at a time, until there are two. */
  #check(claims: ClaimsByUser, algorithm: KeyAlgorithm, publicKey: string): Observable<readonly Claimant[]> {
    const tracked = Array.from(claims).filter(([userId]) => this.#ports.isTracked(userId));
    return from(inPartsOf(MAX_USERS_OF_ONE_KEY, tracked)).pipe(
      concatMap((part) => this.#checkPart(part, algorithm, publicKey)),
      scan((found, more) => [...found, ...more], NO_CLAIMANTS),
      takeWhile((found) => found.length < 2, true),
      takeLast(1),
      defaultIfEmpty(NO_CLAIMANTS),
    );
  }

  #checkPart(
    claims: readonly (readonly [UserId, readonly DeviceId[]])[],
    algorithm: KeyAlgorithm,
    publicKey: string,
  ): Observable<readonly Claimant[]> {
    const { store, pendingEdits } = this.#ports;
    return store.read([OWNER, ...claims.map(([userId]) => listKey(userId))]).pipe(
      map(([owner, ...saved]) => {
        this.#requireOurs(owner);
        return claims.flatMap(([userId, deviceIds], i) => {
          const isClaimant = (deviceId: DeviceId) => {
            if (pendingEdits.isForgotten(userId, deviceId)) return false;
            const { device, status } = savedDevice(saved[i], userId, deviceId) ?? {};
            return device !== undefined && claimsKeys(status) && comparableKey(device, algorithm) === publicKey;
          };
          return firstOf(deviceIds, MAX_CLAIMS_OF_ONE_KEY, isClaimant).map((deviceId) => ({ userId, deviceId }));
        });
      }),
    );
  }

  #requireOurs(owner: unknown): void {
    if (!this.#ports.isOurs(readOwner(owner))) throw new StoreClearedError();
  }
}

/** Returns the first items that pass a test, and tests no more than needed. */
function firstOf<T>(items: readonly T[], limit: number, isWanted: (item: T) => boolean): readonly T[] {
  const found: T[] = [];
  for (const item of items) {
    if (found.length === limit) break;
    if (isWanted(item)) found.push(item);
  }
  return found;
}

/** Compacted records come first, then those of single saves, in the order of the log. */
const orderOf = (id: string): number =>
  id.startsWith("s") ? Number(id.slice(1)) - Number.MAX_SAFE_INTEGER : Number(id);
