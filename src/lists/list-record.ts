import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import { readDeviceList, type DeviceList } from "../trust/device-list.js";
import { NO_PINS, pinsOf, readPins, type Pins } from "../trust/pins.js";

/** A saved list, and the number of the revision that it answers. */
export interface SavedList {
  readonly revision: number;
  readonly list: DeviceList;
}

/** What is saved of a user: the pins, and the last list. */
export interface ListRecord {
  readonly pins: Pins;
  readonly saved?: SavedList;
}

/** A record as it was read. */
export interface ReadListRecord {
  readonly pins: Pins;
  readonly saved: SavedList | undefined;
  /** Parts that cannot be trusted. If the pins are damaged, those that the list left stand in for them. */
  readonly damaged: readonly ("pins" | "list")[];
}

const NOTHING: ReadListRecord = { pins: NO_PINS, saved: undefined, damaged: [] };

export function readListRecord(record: unknown, userId: UserId): ReadListRecord {
  if (record === undefined) return NOTHING;
  if (!isObject(record)) return { ...NOTHING, damaged: ["pins", "list"] };
  const saved = readSavedList(record.saved, userId);
  const pins = record.pins === undefined ? undefined : readPins(record.pins);
  const damaged: ReadListRecord["damaged"][number][] = [];
  if (pins === undefined) damaged.push("pins");
  if (saved === undefined && record.saved !== undefined) damaged.push("list");
  return { pins: pins ?? pinsOf(saved?.list), saved, damaged };
}

/** Whether a saved list may be used. One with unsigned devices may not if the application refuses those: it was saved before it did. */
export function isUsable({ list }: SavedList, refusesUnsigned: boolean): boolean {
  return !refusesUnsigned || Array.from(list.deviceStatus.values()).every(({ signedByItself }) => signedByItself);
}

function readSavedList(saved: unknown, userId: UserId): SavedList | undefined {
  if (!isObject(saved) || !Number.isSafeInteger(saved.revision)) return undefined;
  const list = readDeviceList(saved.list, userId);
  return list === undefined ? undefined : { revision: saved.revision as number, list };
}
