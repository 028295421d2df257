import { deviceKey, KEY_ALGORITHMS } from "../keys/device-key.js";
import type { DeviceList } from "../trust/device-list.js";
import { isObject } from "../keys/json.js";
import { MAX_CLAIMS_OF_ONE_KEY } from "../keys/limits.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { RecordKey } from "../store/device-store.js";
import { claimsKey } from "../store/records.js";
import type { SavedRecords } from "../store/saved-records.js";

/** A device that says a key is its own. */
export interface Claimant {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/** The claimants in a record; of a damaged one nobody. */
export function readClaims(record: unknown): readonly Claimant[] {
  if (!Array.isArray(record)) return [];
  return (record as unknown[]).filter(
    (claimant): claimant is Claimant =>
      isObject(claimant) && typeof claimant.userId === "string" && typeof claimant.deviceId === "string",
  );
}

/** One user's list in the place of another, for the index of keys; `undefined`: none. */
export interface ListChange {
  readonly userId: UserId;
  readonly before: DeviceList | undefined;
  readonly after: DeviceList | undefined;
}

/**
 * Keeps the index from public keys to devices in step with the lists, in the transaction that changes them. Lists whose keys are the same touch no record of it.
 *
 * Which records those are, only the lists that are saved can tell: see {@link SavedRecords.need}.
 */
export function updateClaims(records: SavedRecords, changes: readonly ListChange[]): void {
  const all = changes.map((change) => ({ ...change, ...claimsChanged(change) }));
  records.need(all.flatMap(({ gone, come }) => [...gone, ...come].map(({ key }) => key)));
  for (const { userId, gone, come } of all) {
    for (const { key, deviceId } of gone) set(records, key, othersThan(records.get(key), userId, deviceId));
    for (const { key, deviceId } of come)
      set(records, key, [...othersThan(records.get(key), userId, deviceId), { userId, deviceId }]);
  }
}

/** The records of the index that a change concerns, as far as it is known before the transaction. */
export function claimKeys(change: Pick<ListChange, "before" | "after">): readonly RecordKey[] {
  const { gone, come } = claimsChanged(change);
  return [...gone, ...come].map(({ key }) => key);
}

function set(records: SavedRecords, key: RecordKey, claimants: readonly Claimant[]): void {
  records.set(key, claimants.length === 0 ? undefined : claimants);
}

const othersThan = (record: unknown, userId: UserId, deviceId: DeviceId): readonly Claimant[] =>
  readClaims(record).filter((claimant) => claimant.userId !== userId || claimant.deviceId !== deviceId);

interface Claim {
  readonly key: RecordKey;
  readonly deviceId: DeviceId;
}

function claimsChanged({ before, after }: Pick<ListChange, "before" | "after">): {
  readonly gone: readonly Claim[];
  readonly come: readonly Claim[];
} {
  const old = claimsOf(before);
  const now = claimsOf(after);
  const without = (claims: ReadonlyMap<string, Claim>, others: ReadonlyMap<string, Claim>) =>
    Array.from(claims).flatMap(([id, claim]) => (others.has(id) ? [] : [claim]));
  return { gone: without(old, now), come: without(now, old) };
}

/** What a list claims, by a name for each claim; of one key no more than {@link MAX_CLAIMS_OF_ONE_KEY}, the first in the list. */
function claimsOf(list: DeviceList | undefined): ReadonlyMap<string, Claim> {
  const claims = new Map<string, Claim>();
  const counts = new Map<string, number>();
  for (const [deviceId, device] of list?.deviceKeys ?? []) {
    for (const algorithm of KEY_ALGORITHMS) {
      const publicKey = deviceKey(device, algorithm);
      if (publicKey === undefined) continue;
      const name = `${algorithm} ${publicKey}`;
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      if (count <= MAX_CLAIMS_OF_ONE_KEY)
        claims.set(`${name} ${deviceId}`, { key: claimsKey(algorithm, publicKey), deviceId });
    }
  }
  return claims;
}
