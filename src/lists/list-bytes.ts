import { CROSS_SIGNING_KINDS } from "../keys/cross-signing-keys.js";
import { namesOf } from "../keys/json.js";
import type { DeviceList } from "../trust/device-list.js";
import type { Pins } from "../trust/pins.js";

/*
 * Bytes in V8: a header and a pointer for each value or name (4 bytes in Chromium, 8 in Node), and the characters of
 * texts, mostly one byte each. Measured in Node 20: 1,800 bytes for a list of one small device, 4,200 for four.
 */
const OBJECT = 56;
const ENTRY = 16;
const TEXT = 24;
/** A device's status, and its entries in the maps. */
const DEVICE = 150;
const LIST = 600;
/** A device ID in the pins, with its key. */
const PIN = 150;
const EVENT = 200;
const KEY_LENGTH = 43;

/**
 * Returns approximately how many bytes a list takes in memory. Computed from its contents, not from its length in JSON,
 * which can be ten times less for a hostile user's list.
 */
export function listBytes(list: DeviceList): number {
  let bytes = LIST;
  for (const [deviceId, device] of list.deviceKeys) bytes += DEVICE + bytesOf(deviceId) + bytesOf(device);
  for (const [deviceId, reason] of list.rejected) bytes += ENTRY + bytesOf(deviceId) + bytesOf(reason);
  for (const { name } of CROSS_SIGNING_KINDS) bytes += bytesOf(list[name]);
  return bytes + bytesOf(list.identity);
}

export function pinsBytes({ devices, retired = new Map(), history = [] }: Pins): number {
  let bytes = OBJECT;
  for (const deviceId of devices.keys()) bytes += PIN + deviceId.length;
  for (const [deviceId, keys] of retired) bytes += PIN + deviceId.length + keys.length * (TEXT + KEY_LENGTH);
  return bytes + history.length * EVENT;
}

/** The depth of the JSON value is limited. */
function bytesOf(value: unknown): number {
  if (typeof value === "string") return TEXT + value.length;
  if (typeof value !== "object" || value === null) return 0; // part of the entry
  let bytes = OBJECT;
  if (Array.isArray(value)) for (const item of value) bytes += ENTRY + bytesOf(item);
  else
    for (const name of namesOf(value))
      bytes += ENTRY + TEXT + name.length + bytesOf((value as Record<string, unknown>)[name]);
  return bytes;
}
