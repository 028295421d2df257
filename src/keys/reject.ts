import type { DeviceId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import { MAX_REJECTED_PER_USER, shortId } from "./limits.js";

export const isFull = (rejected: ReadonlyMap<DeviceId, RejectionReason>): boolean =>
  rejected.size >= MAX_REJECTED_PER_USER;

/** Adds a refused device to the map, up to {@link MAX_REJECTED_PER_USER}. */
export function reject(rejected: Map<DeviceId, RejectionReason>, deviceId: DeviceId, reason: RejectionReason): void {
  if (!isFull(rejected)) rejected.set(shortId(deviceId), reason);
}
