import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import { listKey, OWNER, readOwner } from "../store/records.js";
import type { SavedRecords } from "../store/saved-records.js";
import { isSigned, readDeviceList, type DeviceList } from "../trust/device-list.js";
import { mergePins } from "../trust/merge-pins.js";
import { isNothing, LOST_PINS, NO_PINS, pinsOf, readPins, type Pins } from "../trust/pins.js";

export interface SavedList {
  readonly revision: number;
  readonly list: DeviceList;
}

export interface ListRecord {
  readonly pins: Pins;
  readonly saved?: SavedList;
}

export interface ReadListRecord {
  readonly pins: Pins;
  readonly saved: SavedList | undefined;
  /**
   * Parts that cannot be trusted. Damaged pins are replaced by those that follow from the list. They are incomplete:
   * not every answer that pinned something was saved as a list.
   */
  readonly damaged: readonly ("pins" | "list")[];
}

const NOTHING: ReadListRecord = { pins: NO_PINS, saved: undefined, damaged: [] };

/**
 * Returns a user's record in a transaction. If pins were lost, a user without a record may be among those that were
 * pinned.
 */
export function listRecordIn(records: SavedRecords, userId: UserId): ReadListRecord {
  const record = records.get(listKey(userId));
  const isUnknown = record === undefined && readOwner(records.get(OWNER))?.lostPins === true;
  return isUnknown ? { ...NOTHING, pins: LOST_PINS } : readListRecord(record, userId);
}

export function readListRecord(record: unknown, userId: UserId): ReadListRecord {
  if (record === undefined) return NOTHING;
  if (!isObject(record)) return { pins: LOST_PINS, saved: undefined, damaged: ["pins", "list"] };
  const saved = readSavedList(record.saved, userId);
  const pins = record.pins === undefined ? undefined : readPins(record.pins);
  const damaged: ReadListRecord["damaged"][number][] = [];
  if (pins === undefined || !covers(pins, saved?.list)) damaged.push("pins");
  if (saved === undefined && record.saved !== undefined) damaged.push("list");
  if (!damaged.includes("pins")) return { pins: pins ?? NO_PINS, saved, damaged };
  const known = mergePins({ ...(pins ?? NO_PINS), incomplete: true }, pinsOf(saved?.list));
  return { pins: known, saved, damaged };
}

/** True if everything in the list that should be pinned is pinned: pins are written with the list. */
function covers({ devices, masterKey, wasVerified }: Pins, list: DeviceList | undefined): boolean {
  if (list === undefined) return true;
  if (masterKey === undefined && list.identity.pinnedMasterKey !== undefined) return false;
  if (list.identity.wasVerified === true && wasVerified !== true) return false;
  for (const [deviceId, { signedByItself }] of list.deviceStatus)
    if (signedByItself && !devices.has(deviceId)) return false;
  return true;
}

export function pinsIn(records: ReadonlyMap<UserId, unknown>): ReadonlyMap<UserId, Pins> {
  const pins = Array.from(records, ([userId, record]) => [userId, readListRecord(record, userId).pins] as const);
  return new Map(pins.filter(([, one]) => !isNothing(one)));
}

/**
 * True if a saved list may be used. If the application refuses unsigned devices, a list with some was saved before
 * that.
 */
export function isUsable({ list }: SavedList, refusesUnsigned: boolean): boolean {
  return !refusesUnsigned || Array.from(list.deviceStatus.values()).every(isSigned);
}

function readSavedList(saved: unknown, userId: UserId): SavedList | undefined {
  if (!isObject(saved) || !Number.isSafeInteger(saved.revision)) return undefined;
  const list = readDeviceList(saved.list, userId);
  return list === undefined ? undefined : { revision: saved.revision as number, list };
}
