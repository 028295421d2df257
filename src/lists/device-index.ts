import { defer, map, mergeMap, of, type Observable } from "rxjs";
import { KEY_ALGORITHMS, deviceKey, type KeyAlgorithm } from "../keys/device-key.js";
import { MAX_CLAIMS_OF_ONE_KEY } from "../keys/limits.js";
import { StoreClearedError } from "../model/errors.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { TrackerProblem } from "../model/problems.js";
import type { DeviceStore } from "../store/device-store.js";
import { indexKey, listKey, OWNER, readOwner, readSync, SYNC, type OwnerRecord } from "../store/records.js";
import { indexEntries, keyIn, readIndex, type IndexEntry, type IndexRecord } from "./index-record.js";
import { readListRecord } from "./list-record.js";

/** A device that has a key. */
export interface Claimant {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/** What finding devices needs. */
export interface DeviceIndexPorts {
  readonly store: DeviceStore;
  /** Whether the store is still ours; reports it if not. */
  readonly isOurs: (owner: OwnerRecord | undefined) => boolean;
  readonly isTracked: (userId: UserId) => boolean;
  readonly report: (problem: TrackerProblem) => void;
  /** Whether unsigned devices claim nothing: they were saved before the application refused them. */
  readonly refusesUnsigned: boolean;
}

/** Users whose claims of one key are looked at: more than one already means that it is attributed to no device. */
const MAX_USERS_OF_ONE_KEY = 16;

/**
 * Finds devices by their public keys.
 *
 * The index is a log beside the log: each save appends the devices that it brought. Once read, it is kept in memory;
 * later calls read only what was appended since. What it says is checked against the lists, so a stale entry costs time
 * and is never believed.
 */
export class DeviceIndex {
  readonly #ports: DeviceIndexPorts;
  readonly #devices = new Map<string, Map<UserId, Set<DeviceId>>>();
  readonly #keysOf = new Map<UserId, Map<DeviceId, readonly string[]>>();
  /** The position of the log up to which the index is in memory. */
  #read: number | undefined;

  constructor(ports: DeviceIndexPorts) {
    this.#ports = ports;
  }

  /** Every device in the saved lists that has this public key. Fails if the store cannot be read. */
  claimants(algorithm: KeyAlgorithm, publicKey: string): Observable<readonly Claimant[]> {
    return defer(() => this.#catchUp()).pipe(
      mergeMap(() => {
        const found = Array.from(this.#devices.get(nameOf(algorithm, publicKey)) ?? []).filter(([userId]) =>
          this.#ports.isTracked(userId),
        );
        return found.length === 0 ? of([]) : this.#check(found.slice(0, MAX_USERS_OF_ONE_KEY), algorithm, publicKey);
      }),
    );
  }

  /** The store is another one: everything is read again. */
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
        this.#devices.clear();
        this.#keysOf.clear();
        this.#read = readSync(account?.get(SYNC[1]))?.position ?? 0;
        return this.#addAll(Array.from(index ?? []).sort(([a], [b]) => orderOf(a) - orderOf(b)));
      }),
    );
  }

  /** If a record is damaged, the devices that it named are found in the lists: the index must not lose a claimant. */
  #addAll(records: readonly (readonly [id: string, record: unknown])[]): Observable<void> {
    const damaged: string[] = [];
    for (const [id, record] of records) {
      const entries = record === undefined ? [] : readIndex(record);
      if (entries === undefined) damaged.push(id);
      else this.#add(entries);
    }
    if (damaged.length === 0) return of(undefined);
    const message = `${damaged.length} record(s) of the index of public keys cannot be trusted; the lists are read instead`;
    this.#ports.report({ type: "records-damaged", kind: "index", ids: damaged, message });
    return this.#ports.store.readKinds(["list"]).pipe(
      map(([lists]) => {
        for (const [userId, record] of lists ?? []) {
          const list = readListRecord(record, userId).saved?.list;
          if (list !== undefined) this.#add(indexEntries(userId, undefined, list));
        }
      }),
    );
  }

  #check(
    found: readonly (readonly [UserId, ReadonlySet<DeviceId>])[],
    algorithm: KeyAlgorithm,
    publicKey: string,
  ): Observable<readonly Claimant[]> {
    const { store, refusesUnsigned } = this.#ports;
    return store.read([OWNER, ...found.map(([userId]) => listKey(userId))]).pipe(
      map(([owner, ...saved]) => {
        this.#requireOurs(owner);
        return found.flatMap(([userId, deviceIds], i) => {
          const list = readListRecord(saved[i], userId).saved?.list;
          const isClaimant = (deviceId: DeviceId) => {
            const device = list?.deviceKeys.get(deviceId);
            const isRefused = refusesUnsigned && list?.deviceStatus.get(deviceId)?.signedByItself !== true;
            return device !== undefined && !isRefused && deviceKey(device, algorithm) === publicKey;
          };
          return Array.from(deviceIds)
            .filter(isClaimant)
            .slice(0, MAX_CLAIMS_OF_ONE_KEY)
            .map((deviceId) => ({ userId, deviceId }));
        });
      }),
    );
  }

  #requireOurs(owner: unknown): void {
    if (!this.#ports.isOurs(readOwner(owner))) throw new StoreClearedError();
  }

  #add(entries: IndexRecord): void {
    for (const entry of entries) {
      const [userId, deviceId] = entry;
      const theirs = getOrAdd(this.#keysOf, userId, () => new Map<DeviceId, readonly string[]>());
      for (const name of theirs.get(deviceId) ?? []) {
        this.#devices.get(name)?.get(userId)?.delete(deviceId);
      }
      const names = namesOf(entry);
      theirs.set(deviceId, names);
      for (const name of names) {
        const users = getOrAdd(this.#devices, name, () => new Map<UserId, Set<DeviceId>>());
        getOrAdd(users, userId, () => new Set<DeviceId>()).add(deviceId);
      }
    }
  }
}

const nameOf = (algorithm: KeyAlgorithm, publicKey: string): string => `${algorithm} ${publicKey}`;

function namesOf(entry: IndexEntry): readonly string[] {
  return KEY_ALGORITHMS.flatMap((algorithm) => {
    const key = keyIn(entry, algorithm);
    return key === undefined ? [] : [nameOf(algorithm, key)];
  });
}

/** Compacted records come first, then those of single saves, in the order of the log. */
const orderOf = (id: string): number =>
  id.startsWith("s") ? Number(id.slice(1)) - Number.MAX_SAFE_INTEGER : Number(id);

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
