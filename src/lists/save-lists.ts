import type { DeviceList } from "../trust/device-list.js";
import { deviceUpdate } from "./device-update.js";
import { ownUserSigningKey } from "../trust/identity.js";
import { applyPins } from "../trust/apply-pins.js";
import { mergePins, NO_PINS, pinsOf, readPins, type Pins } from "../trust/pins.js";
import type { UserId } from "../model/ids.js";
import type { DeviceUpdate } from "../model/updates.js";
import { claimKeys, updateClaims, type ListChange } from "./claims.js";
import { epochOf, savedUser, type SavedUser } from "../store/commit.js";
import type { RecordKey } from "../store/device-store.js";
import { readListRecord, type ListRecord } from "./list-record.js";
import {
  EPOCH,
  listKey,
  OWN_IDENTITY,
  pinsKey,
  readOwnIdentity,
  readState,
  stateKey,
  type OwnIdentityRecord,
  type StateRecord,
} from "../store/records.js";
import type { Revision } from "../store/revision.js";
import type { SavedRecords } from "../store/saved-records.js";

/** A list whose signatures have been verified. */
export interface ListToSave {
  readonly list: DeviceList;
  /** The revision that this tracker knew for its user when it sent the query; `undefined` where the list is not to be saved: only what it pins is. */
  readonly revision: Revision | undefined;
  /** The list that is probably the saved one: what it says of the records to read spares a second transaction. */
  readonly known?: DeviceList | undefined;
  /** Whether unsigned devices are refused: then none is kept either. */
  readonly refusesUnsigned?: boolean;
  /** What was pinned while the store failed. */
  readonly pinned?: Pins | undefined;
}

/** What became of one user's list. */
export interface SavedList {
  /** The list as it may be used: held against the pins. */
  readonly list: DeviceList;
  readonly pins: Pins;
  /** The list that was saved before. */
  readonly before?: DeviceList | undefined;
  /** Where it was to be saved and the store knows of another change: what the store says of the user. */
  readonly refused?: { readonly saved: SavedUser | undefined };
  /** Where it was saved, and differs from the one before. */
  readonly update?: DeviceUpdate;
  /** Whether the user's pins were damaged, and made anew from the saved list. */
  readonly pinsDamaged: boolean;
}

/** The records that {@link saveLists} works on. */
export const saveKeys = (lists: ReadonlyMap<UserId, ListToSave>): RecordKey[] => [
  EPOCH,
  OWN_IDENTITY,
  ...Array.from(lists).flatMap(([userId, { list, revision, known }]) => [
    stateKey(userId),
    listKey(userId),
    pinsKey(userId),
    ...(revision === undefined ? [] : claimKeys({ before: known, after: list })),
  ]),
];

/**
 * Saves the result of a query: its pins in any case, and the list with a compare-and-set for each user.
 *
 * The store's revision of the user must be exactly the one that this tracker knew when it sent the query. A greater one means that another tab applied a change
 * since: the answer may be older than that change. Updates of all tabs come one after the other, so no change can slip in between.
 * Steps that this tracker had applied but not yet committed come before the save in the same queue of writes.
 */
export function saveLists(
  records: SavedRecords,
  lists: ReadonlyMap<UserId, ListToSave>,
  ownUserId: UserId,
): ReadonlyMap<UserId, SavedList> {
  const outcomes = new Map<UserId, SavedList>();
  const epoch = epochOf(records); // undefined where it is damaged: nothing is saved until a restart has mended it
  const changes: ListChange[] = [];
  for (const [userId, { list: verified, revision, pinned, refusesUnsigned }] of lists) {
    const before = readListRecord(records.get(listKey(userId)), userId)?.list;
    const savedPins = readPins(records.get(pinsKey(userId)));
    const first = mergePins(savedPins ?? pinsOf(before), pinned ?? NO_PINS);
    const { list, pins } = applyPins(verified, first, before, refusesUnsigned);
    if (pins !== savedPins && pins.devices.size + (pins.masterKey === undefined ? 0 : 1) > 0)
      records.set(pinsKey(userId), pins);
    else if (savedPins === undefined) records.set(pinsKey(userId), undefined); // damaged, and there is nothing to put in its place
    const outcome = { list, pins, before, pinsDamaged: savedPins === undefined };
    if (revision === undefined) {
      outcomes.set(userId, outcome);
      continue;
    }
    const record = records.get(stateKey(userId));
    const state = record === undefined && userId === ownUserId ? OWN_USER : record;
    const saved = savedUser(state, epoch);
    if (epoch === undefined || saved === undefined || saved.revision !== revision.committed) {
      outcomes.set(userId, { ...outcome, refused: { saved } });
      continue;
    }
    records.set(stateKey(userId), {
      revision: readState(state)?.revision ?? 0,
      listed: saved.revision,
    } satisfies StateRecord);
    records.set(listKey(userId), { revision: saved.revision, list } satisfies ListRecord);
    if (userId === ownUserId) setOwnIdentity(records, list);
    changes.push({ userId, before, after: list });
    outcomes.set(userId, outcome);
  }
  updateClaims(records, changes);
  const ourKey = readOwnIdentity(records.get(OWN_IDENTITY))?.userSigningKey; // by now the one that came in this answer, where one did
  for (const { userId, before, after } of changes) {
    const outcome = outcomes.get(userId);
    const update = after === undefined ? undefined : deviceUpdate(userId, before, after, ourKey);
    if (outcome !== undefined && update !== undefined) outcomes.set(userId, { ...outcome, update });
  }
  return outcomes;
}

/** Our own user-signing key is kept apart: what it says of others is asked whenever their lists are, and ours may not be in memory. */
export function setOwnIdentity(records: SavedRecords, list: DeviceList): void {
  const userSigningKey = ownUserSigningKey(list);
  records.set(
    OWN_IDENTITY,
    userSigningKey === undefined ? undefined : ({ userSigningKey } satisfies OwnIdentityRecord),
  );
}

/** Our own user is tracked from the start, before any record says so. */
export const OWN_USER: StateRecord = { revision: 0 };
