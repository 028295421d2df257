import { MAX_RETIRED_KEYS } from "../keys/limits.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceUpdate } from "../model/updates.js";
import type { RecordKey } from "../store/device-store.js";
import { indexKey, listKey, OWN_IDENTITY, readOwnIdentity, type OwnIdentityRecord } from "../store/records.js";
import type { Revision } from "../store/revision.js";
import type { SavedRecords } from "../store/saved-records.js";
import { append, changedSince, syncOf, type WriteBase } from "../store/transactions.js";
import { sameDeviceList, type DeviceList } from "../trust/device-list.js";
import { ownUserSigningKey } from "../trust/identity.js";
import { applyPins } from "../trust/apply-pins.js";
import type { PinContext } from "../trust/pin-context.js";
import { contradict, mergePins } from "../trust/merge-pins.js";
import { isNothing, NO_PINS, type Pins } from "../trust/pins.js";
import { deviceUpdate } from "./device-update.js";
import { indexEntries, toIndexRecord } from "./index-record.js";
import { isUsable, listRecordIn, type ListRecord, type ReadListRecord } from "./list-record.js";

export interface ListToSave {
  readonly list: DeviceList;
  /** The list in memory that the response repeats, if any. */
  readonly repeats?: DeviceList | undefined;
  /** The number of the last commit when the query was sent. */
  readonly askedAfter?: number | undefined;
  /** The user's revision when the query was sent; `undefined` if only the pins are to be saved. */
  readonly revision: Revision | undefined;
  /** True if it replaces a list that was saved at the same revision, because of `forceDownload`. */
  readonly forced: boolean;
  /** True if unsigned devices are refused; known ones are dropped as well. */
  readonly refusesUnsigned: boolean;
  /** What was pinned while the store failed. */
  readonly pinned?: Pins | undefined;
  /** True if the response listed a device of this ID, well-formed or not. */
  readonly isListed?: (deviceId: DeviceId) => boolean;
}

export interface OwnAccount {
  readonly ownUserId: UserId;
  /** Our own master key, according to the application. */
  readonly ownMasterKey?: string | undefined;
}

export interface SaveOutcome {
  /** The list to use: compared with the pins, or the one that another query saved first. */
  readonly list: DeviceList;
  readonly pins: Pins;
  readonly before: DeviceList | undefined;
  /** `refused`: the user changed in the store since the query was sent. `pinned`: only the pins were to be saved. */
  readonly state: "saved" | "refused" | "pinned";
  /** What a saved list changed, if anything. */
  readonly update?: DeviceUpdate;
  /** True if it is the list that was already saved, so that nothing was written. */
  readonly isSame?: true;
  /** True if another query saved this list first: it was compared with other pins than these. */
  readonly isOther?: true;
  readonly pinsDamaged: boolean;
  /** True if keys that were pinned while the store failed differ from the store's: they were shown as unchanged. */
  readonly pinsReplaced: boolean;
}

export const saveKeys = (users: Iterable<UserId>): RecordKey[] => [OWN_IDENTITY, ...Array.from(users, listKey)];

/**
 * Saves the lists of a response: the pins in any case, and each list by compare-and-set.
 *
 * A list is written only if its user's revision in the store is exactly the one that the tracker had when it sent the
 * query. Otherwise a change was committed in between, and the list may be older than that. Among several answers for
 * one revision the first wins, unless a later one was forced, or the revision is in doubt: then what is saved may be
 * older than a change that another tracker cannot commit.
 */
export function saveLists(
  records: SavedRecords,
  base: WriteBase,
  lists: ReadonlyMap<UserId, ListToSave>,
  own: OwnAccount,
): ReadonlyMap<UserId, SaveOutcome> {
  const sync = syncOf(records, base);
  const hasChanged = sync === undefined ? () => true : changedSince(records, base);
  const outcomes = new Map<UserId, SaveOutcome>();
  const save = (userId: UserId, toSave: ListToSave) => {
    const isLate = toSave.revision === undefined || hasChanged(userId);
    const context = { ...pinContext(records, userId, toSave, own), isLate };
    const outcome = saveOne(records, userId, toSave, context);
    outcomes.set(userId, outcome);
    if (userId === own.ownUserId && outcome.state === "saved") setOwnIdentity(records, outcome.list);
  };
  // Our own list comes first: our own identity decides about the others.
  const ours = lists.get(own.ownUserId);
  if (ours !== undefined) save(own.ownUserId, ours);
  for (const [userId, toSave] of lists) if (userId !== own.ownUserId) save(userId, toSave);
  const saved = Array.from(outcomes).filter(([, outcome]) => isWritten(outcome));
  if (sync === undefined || saved.length === 0) return outcomes;

  const numbers = saved.map(([userId]) => [userId, lists.get(userId)?.revision?.number ?? 0] as const);
  const position = append(records, sync, { type: "save", by: base.by, lists: numbers });
  const entries = saved.flatMap(([userId, { list, before }]) =>
    list === before ? [] : indexEntries(userId, before, list),
  );
  if (entries.length > 0) records.set(indexKey(position), toIndexRecord(entries));
  const ourKey = readOwnIdentity(records.get(OWN_IDENTITY))?.userSigningKey; // as this response leaves it
  for (const [userId, outcome] of saved) {
    const update = deviceUpdate(userId, outcome.before, outcome.list, ourKey);
    if (update !== undefined) outcomes.set(userId, { ...outcome, update });
  }
  return outcomes;
}

/** True if a list was saved that was not saved before. */
export const isWritten = ({ state, isSame }: SaveOutcome): boolean => state === "saved" && isSame !== true;

/** Saves pins from elsewhere. If they differ from the saved ones, the saved ones stay. */
export function savePins(records: SavedRecords, pins: ReadonlyMap<UserId, Pins>): void {
  for (const [userId, added] of pins) {
    const record = listRecordIn(records, userId);
    const merged = mergePins(record.pins, added);
    if (merged !== record.pins) setRecord(records, listKey(userId), { ...record, pins: merged });
  }
}

function pinContext(
  records: SavedRecords,
  userId: UserId,
  { askedAfter, refusesUnsigned, isListed }: ListToSave,
  { ownUserId, ownMasterKey }: OwnAccount,
): PinContext {
  const { userSigningKey: ourKey, userSigningKeys: ourKeys = [] } = readOwnIdentity(records.get(OWN_IDENTITY)) ?? {};
  const listed = isListed === undefined ? {} : { isListed };
  return { askedAfter, refusesUnsigned, isOwn: userId === ownUserId, ourKey, ourKeys, ownMasterKey, ...listed };
}

function saveOne(records: SavedRecords, userId: UserId, toSave: ListToSave, context: PinContext): SaveOutcome {
  const { list: verified, revision, forced, refusesUnsigned, pinned } = toSave;
  const key = listKey(userId);
  const record = listRecordIn(records, userId);
  const before = record.saved?.list;
  const pinsDamaged = record.damaged.includes("pins");
  const first = mergePins(record.pins, pinned ?? NO_PINS);
  const { list, pins } = applyPins(verified, first, before, context);
  const pinsReplaced = pinned !== undefined && contradict(record.pins, pinned);
  const outcome = { list, pins, before, pinsDamaged, pinsReplaced };
  if (revision === undefined || context.isLate === true) {
    if (pins !== record.pins || pinsDamaged) setRecord(records, key, { ...record, pins });
    return { ...outcome, state: revision === undefined ? "pinned" : "refused" };
  }
  const { saved } = record;
  const isFirst = saved?.revision !== revision.number || !isUsable(saved, refusesUnsigned);
  if (!isFirst && !forced && revision.doubted !== true) {
    if (pins !== record.pins || pinsDamaged) setRecord(records, key, { ...record, pins });
    return { ...outcome, list: saved.list, state: "saved", isOther: true };
  }
  const isSame =
    !isFirst && revision.doubted !== true && pins === record.pins && !pinsDamaged && sameDeviceList(saved.list, list);
  if (isSame) return { ...outcome, state: "saved", isSame };
  setRecord(records, key, { pins, saved: { revision: revision.number, list } });
  return { ...outcome, state: "saved" };
}

function setRecord(
  records: SavedRecords,
  key: RecordKey,
  { pins, saved }: Pick<ReadListRecord, "pins"> & Partial<Pick<ReadListRecord, "saved">>,
): void {
  const isEmpty = saved === undefined && isNothing(pins);
  records.set(key, isEmpty ? undefined : ({ pins, ...(saved !== undefined && { saved }) } satisfies ListRecord));
}

/**
 * Our own user-signing key has a record of its own: it is needed whenever other users' lists are, and our own list may
 * not be in memory.
 */
export function setOwnIdentity(records: SavedRecords, list: DeviceList | undefined): void {
  const known = readOwnIdentity(records.get(OWN_IDENTITY));
  const userSigningKey = list && ownUserSigningKey(list);
  if (userSigningKey === known?.userSigningKey) return;
  const former = (known?.userSigningKeys ?? []).filter((key) => key !== userSigningKey);
  const userSigningKeys = [...former, ...(userSigningKey === undefined ? [] : [userSigningKey])].slice(
    -MAX_RETIRED_KEYS,
  );
  records.set(OWN_IDENTITY, { userSigningKey, userSigningKeys } satisfies OwnIdentityRecord);
}
