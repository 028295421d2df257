import { map, type Observable } from "rxjs";
import { isObject } from "../model/json.js";
import type { UserId } from "../model/ids.js";
import type { Change, Commit } from "./change.js";
import type { SavedLists } from "./clone.js";
import type { DeviceStore, RecordKey } from "./device-store.js";

/*
 * The records that the tracker keeps. IndexedDB costs time per record, nearly whatever its size, so few records are
 * written at a time:
 *
 *     account/owner         the user that the store belongs to; gone after clear()
 *     account/sync          the head: the number of the last commit, the token, the position of the last log record
 *     account/own           our own user-signing key, according to our own saved list
 *     log/<position>        what one transaction appended: commits, or which lists it saved
 *     snapshot/<n>          the fold of the log up to a position, about 1,000 tracked users to a record
 *     index/<position>      the public keys of the devices that one save brought, for findDevice
 *     index/s<n>            the same, compacted
 *     extension/<name>/<n>  the state of an extension of the tracker as of the snapshot
 *     list/<user>           the last list that was fetched, and the user's pins, which outlive it
 *
 * Records may be damaged or written by another version, so readers return undefined for what cannot be trusted.
 */

/**
 * The format of all records, in the owner's record. 1 was one state record per user, 2 had other pins, 3 another index,
 * 4 another text.
 */
export const STORE_FORMAT = 5;

export const OWNER: RecordKey = ["account", "owner"];
export const SYNC: RecordKey = ["account", "sync"];
export const OWN_IDENTITY: RecordKey = ["account", "own"];
export const logKey = (position: number): RecordKey => ["log", String(position)];
export const snapshotKey = (chunk: number): RecordKey => ["snapshot", String(chunk)];
export const extensionKey = (name: string, record: number): RecordKey => ["extension", `${name}/${record}`];
export const indexKey = (position: number): RecordKey => ["index", String(position)];
export const compactedIndexKey = (chunk: number): RecordKey => ["index", `s${chunk}`];
export const listKey = (userId: UserId): RecordKey => ["list", userId];

/** `lifetime` distinguishes a store from what it was before a `clear()`: writes of the former life are refused. */
export interface OwnerRecord {
  readonly userId: UserId;
  readonly format: number;
  readonly lifetime: string;
  /**
   * True if users without a record may still have been pinned: this is memory standing in for a store that cannot be
   * opened, or the store had to be emptied.
   */
  readonly lostPins?: true;
}

export function readOwner(record: unknown): OwnerRecord | undefined {
  const isOwner = isObject(record) && typeof record.userId === "string" && typeof record.lifetime === "string";
  return isOwner && isCount(record.format) ? (record as unknown as OwnerRecord) : undefined;
}

/** The head of the chain, and where the log and the snapshot are. */
export interface SyncRecord {
  readonly head: number;
  readonly token?: string | undefined;
  readonly position: number;
  /**
   * The log up to `position`, with commits up to `head`, is folded into `chunks` records, and into `index` records of
   * the index. `oldest` is the position of the first log record that has not been deleted. `extensions` is the number
   * of records of each extension; an extension without an entry has none as of this snapshot.
   */
  readonly snapshot: {
    readonly position: number;
    readonly head: number;
    readonly chunks: number;
    readonly index: number;
    readonly oldest: number;
    readonly extensions?: Readonly<Record<string, number>> | undefined;
  };
}

export const NO_SYNC: SyncRecord = {
  head: 0,
  position: 0,
  snapshot: { position: 0, head: 0, chunks: 0, index: 0, oldest: 1 },
};

export function readSync(record: unknown): SyncRecord | undefined {
  if (!isObject(record) || !isObject(record.snapshot)) return undefined;
  const { head, position, token, snapshot } = record;
  const counts = [head, position, snapshot.position, snapshot.head, snapshot.chunks, snapshot.index, snapshot.oldest];
  const extended = Object.values(isObject(snapshot.extensions) ? snapshot.extensions : {});
  if (!extended.every((count) => isCount(count) && (count as number) <= MAX_EXTENSION_RECORDS)) return undefined;
  if (!counts.every(isCount) || (token !== undefined && typeof token !== "string")) return undefined;
  return (snapshot.position as number) <= (position as number) ? (record as unknown as SyncRecord) : undefined;
}

export type LogRecord =
  | {
      readonly type: "commits";
      /** The tracker that wrote it. */
      readonly by: string;
      readonly commits: readonly Commit[];
    }
  | { readonly type: "save"; readonly by: string; readonly lists: SavedLists };

export function readLog(record: unknown): LogRecord | undefined {
  if (!isObject(record)) return undefined;
  const { type, by, commits } = record;
  if (typeof by !== "string") return undefined;
  if (type === "save") return isSavedLists(record.lists) ? (record as unknown as LogRecord) : undefined;
  if (type !== "commits" || !Array.isArray(commits) || commits.length === 0) return undefined;
  return commits.every(isCommit) ? (record as unknown as LogRecord) : undefined;
}

/** The state of a user's saved list in a snapshot. */
export const LIST_STATES = ["none", "outdated", "current"] as const;

/**
 * Tracked users of a snapshot: each with the revision of their last change and the state of their list, an index into
 * {@link LIST_STATES}.
 */
export type SnapshotRecord = readonly (readonly [UserId, revision: number, list: number])[];

export function readSnapshot(record: unknown): SnapshotRecord | undefined {
  const isUser = (user: unknown): boolean =>
    Array.isArray(user) && typeof user[0] === "string" && isCount(user[1]) && isCount(user[2]);
  return Array.isArray(record) && record.every(isUser) ? (record as SnapshotRecord) : undefined;
}

export interface OwnIdentityRecord {
  /** Our own user-signing key, if our identity is confirmed and is the one in our list. */
  readonly userSigningKey?: string | undefined;
  /** All past and present keys: what they signed was verified. */
  readonly userSigningKeys: readonly string[];
}

export function readOwnIdentity(record: unknown): OwnIdentityRecord | undefined {
  const isOwn =
    isObject(record) &&
    ["string", "undefined"].includes(typeof record.userSigningKey) &&
    Array.isArray(record.userSigningKeys) &&
    record.userSigningKeys.every((key) => typeof key === "string");
  return isOwn ? (record as unknown as OwnIdentityRecord) : undefined;
}

/** Emits the saved token, read for each subscription. Every store's `syncToken$` is this. */
export function savedToken(store: Pick<DeviceStore, "read">): Observable<string | undefined> {
  return store.read([SYNC]).pipe(map(([record]) => readSync(record)?.token));
}

function isCommit(value: unknown): value is Commit {
  return isObject(value) && isCount(value.number) && isChange(value.change);
}

function isChange(value: unknown): value is Change {
  if (!isObject(value)) return false;
  if (!areEvents(value.events)) return false;
  if (value.type !== "step")
    return ["track", "untrack", "invalidate"].includes(String(value.type)) && areUsers(value.users);
  const tokens = [value.since, value.next].every((token) => token === undefined || typeof token === "string");
  return (
    tokens &&
    areUsers(value.changed) &&
    areUsers(value.left) &&
    [undefined, "outdated", "untracked"].includes(value.everyone as undefined) &&
    [undefined, true, false].includes(value.isPartial as undefined) &&
    [undefined, true].includes(value.isGap as undefined)
  );
}

const areEvents = (value: unknown): boolean =>
  value === undefined || (isObject(value) && Object.values(value).every(Array.isArray));

export const isSavedLists = (value: unknown): value is SavedLists =>
  Array.isArray(value) &&
  value.every((one: unknown) => Array.isArray(one) && typeof one[0] === "string" && isCount(one[1]));

const areUsers = (value: unknown): boolean =>
  Array.isArray(value) && value.every((userId) => typeof userId === "string");

/** Far beyond what an extension keeps: the next snapshot deletes these records one by one. */
const MAX_EXTENSION_RECORDS = 1_000_000;

/** Far beyond any count of commits, and low enough that numbers can go on from it if the head is lost. */
const MAX_COUNT = 2 ** 52;
const isCount = (value: unknown): boolean =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MAX_COUNT;
