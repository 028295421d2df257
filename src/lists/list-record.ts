import { readDeviceList, type DeviceList } from "../trust/device-list.js";
import { isObject } from "../model/json.js";
import type { UserId } from "../model/ids.js";

/** A saved list, and the user's revision that it answers. */
export interface ListRecord {
  readonly revision: number;
  readonly list: DeviceList;
}

/** The record, or `undefined` where it is damaged. */
export function readListRecord(record: unknown, userId: UserId): ListRecord | undefined {
  if (!isObject(record) || !Number.isSafeInteger(record.revision)) return undefined;
  const list = readDeviceList(record.list, userId);
  return list === undefined ? undefined : { revision: record.revision as number, list };
}
