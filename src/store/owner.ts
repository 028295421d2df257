import { map, mergeMap, of, throwError, type Observable } from "rxjs";
import { StoreFormatError, StoreOwnerError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { DeviceStore, RecordKey } from "./device-store.js";
import { OWNER, readOwner, STORE_FORMAT, type OwnerRecord } from "./records.js";

/** All kinds of records, including those of older formats. */
const KINDS = [
  ...["account", "log", "snapshot", "index", "list", "extension"],
  ...["state", "pins", "claims/curve25519", "claims/ed25519"],
];

export interface OwnedStore {
  readonly owner: OwnerRecord;
  /** The store's former format, if it was of an older version and was emptied. */
  readonly replaced?: number;
  /**
   * True if the owner's record could not be read, so that the store was emptied: its lists could have been another
   * user's.
   */
  readonly isDamaged: boolean;
}

/**
 * Makes sure that the store belongs to this user. Empties a store of an older format or with an unreadable owner.
 *
 * Fails with {@link StoreOwnerError} before anything but the owner's record is read, and with {@link StoreFormatError}
 * if a newer version wrote the store.
 * @param lifetime a name for the store's life, used if it has no owner yet; it must be unique
 */
export function ownStore(store: DeviceStore, userId: UserId, lifetime: string): Observable<OwnedStore> {
  const claimed: OwnerRecord = { userId, format: STORE_FORMAT, lifetime };
  return store.read([OWNER]).pipe(
    mergeMap(([saved]): Observable<OwnedStore> => {
      const owner = readOwner(saved);
      const format = formatOf(saved);
      if (saved === undefined) return claim(store, claimed, []).pipe(map((taken) => checked(taken, userId)));
      if (owner !== undefined && (owner.userId !== userId || format >= STORE_FORMAT)) return of(checked(owner, userId));
      if (format > STORE_FORMAT) return throwError(() => new StoreFormatError(format, STORE_FORMAT));
      const emptied = format < STORE_FORMAT ? { replaced: format } : { isDamaged: true };
      return replace(store, { ...claimed, lostPins: true }).pipe(
        map((taken) => ({ ...checked(taken, userId), ...emptied })),
      );
    }),
  );
}

/** A newer version may write its owner in another way, but not its format. */
const formatOf = (saved: unknown): number =>
  isObject(saved) && typeof saved.format === "number" ? saved.format : STORE_FORMAT;

function checked(owner: OwnerRecord, userId: UserId): OwnedStore {
  if (owner.userId !== userId) throw new StoreOwnerError(owner.userId, userId);
  if (owner.format > STORE_FORMAT) throw new StoreFormatError(owner.format, STORE_FORMAT);
  return { owner, isDamaged: false };
}

function replace(store: DeviceStore, claimed: OwnerRecord): Observable<OwnerRecord> {
  return store.readKinds(KINDS).pipe(
    mergeMap((kinds) => {
      const keys = kinds.flatMap((records, i) => Array.from(records.keys(), (id): RecordKey => [KINDS[i] ?? "", id]));
      return claim(store, claimed, keys);
    }),
  );
}

/** Takes over the store in one transaction. If another tab was faster, returns that tab's owner. */
function claim(store: DeviceStore, claimed: OwnerRecord, deletes: readonly RecordKey[]): Observable<OwnerRecord> {
  return store.update([OWNER], ([saved]) => {
    const owner = readOwner(saved);
    if (owner !== undefined && owner.format >= STORE_FORMAT) return { puts: [], deletes: [], result: owner };
    return { puts: [[OWNER, claimed]], deletes, result: claimed };
  });
}
