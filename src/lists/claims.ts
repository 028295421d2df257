import { KEY_ALGORITHMS, type KeyAlgorithm } from "../keys/device-key.js";
import { MAX_CLAIMS_OF_ONE_KEY, MAX_USERS_OF_ONE_KEY } from "../keys/limits.js";
import type { DeviceId, UserId } from "../model/ids.js";
import { keyIn, type IndexEntry } from "./index-record.js";

export type ClaimsByUser = ReadonlyMap<UserId, readonly DeviceId[]>;

interface KeyClaims {
  /** The first few. */
  readonly entries: readonly IndexEntry[];
  /** True if there may be more. */
  readonly more: boolean;
}

const NO_CLAIMS: KeyClaims = { entries: [], more: false };

/**
 * The index of public keys in memory: the keys of each device, and the devices of each key.
 *
 * Any number of users may claim one key, each with all of their devices. Only the first few claims are listed under
 * their key, so that adding one costs the same however many there are. The others are still known by their devices: if
 * none of the first few holds, all devices are searched.
 */
export class Claims {
  readonly #devices = new Map<UserId, Map<DeviceId, IndexEntry>>();
  readonly #keys = new Map(KEY_ALGORITHMS.map((algorithm) => [algorithm, new Map<string, KeyClaims>()]));

  clear(): void {
    this.#devices.clear();
    for (const claims of this.#keys.values()) claims.clear();
  }

  /** Adds the entries of an index record. They override earlier entries of the same devices. */
  add(entries: readonly IndexEntry[]): void {
    for (const entry of entries) this.#addOne(entry);
  }

  /** Returns the first few devices with this key, and whether there may be more. */
  first(algorithm: KeyAlgorithm, publicKey: string): { readonly claims: ClaimsByUser; readonly more: boolean } {
    const { entries, more } = this.#keys.get(algorithm)?.get(publicKey) ?? NO_CLAIMS;
    return { claims: byUser(entries), more };
  }

  /** Returns all devices with this key. Takes time in the number of all devices. */
  all(algorithm: KeyAlgorithm, publicKey: string): ClaimsByUser {
    const entries: IndexEntry[] = [];
    for (const devices of this.#devices.values())
      for (const entry of devices.values()) if (keyIn(entry, algorithm) === publicKey) entries.push(entry);
    this.#keys.get(algorithm)?.set(publicKey, entries.reduce(withEntry, NO_CLAIMS));
    return byUser(entries);
  }

  #addOne(entry: IndexEntry): void {
    const [userId, deviceId, ...keys] = entry;
    const theirs = this.#devices.get(userId) ?? new Map<DeviceId, IndexEntry>();
    const before = theirs.get(deviceId);
    if (before !== undefined) {
      if (before.every((text, i) => text === entry[i]) && before.length === entry.length) return;
      this.#change(before, (claims) => ({ ...claims, entries: claims.entries.filter((one) => one !== before) }));
      theirs.delete(deviceId);
    }
    if (keys.length === 0) return;
    this.#devices.set(userId, theirs.set(deviceId, entry));
    this.#change(entry, (claims) => withEntry(claims, entry));
  }

  #change(entry: IndexEntry, change: (claims: KeyClaims) => KeyClaims): void {
    for (const [algorithm, claims] of this.#keys) {
      const key = keyIn(entry, algorithm);
      if (key === undefined) continue;
      const changed = change(claims.get(key) ?? NO_CLAIMS);
      if (changed.entries.length > 0 || changed.more) claims.set(key, changed);
      else claims.delete(key);
    }
  }
}

function withEntry(claims: KeyClaims, entry: IndexEntry): KeyClaims {
  const { entries, more } = claims;
  if (entries.length === 0) return { entries: [entry], more }; // nearly every key has one claimant
  const users = new Set(entries.map(([userId]) => userId));
  const theirs = entries.filter(([userId]) => userId === entry[0]).length;
  const isFull = theirs === 0 ? users.size >= MAX_USERS_OF_ONE_KEY : theirs >= MAX_CLAIMS_OF_ONE_KEY;
  if (isFull) return more ? claims : { entries, more: true };
  return { entries: [...entries, entry], more };
}

function byUser(entries: readonly IndexEntry[]): ClaimsByUser {
  const claims = new Map<UserId, DeviceId[]>();
  for (const [userId, deviceId] of entries) {
    const theirs = claims.get(userId);
    if (theirs === undefined) claims.set(userId, [deviceId]);
    else theirs.push(deviceId);
  }
  return claims;
}
