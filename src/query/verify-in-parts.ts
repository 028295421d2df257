import { concatMap, from, map, toArray, type Observable } from "rxjs";
import { reject } from "../keys/reject.js";
import type { UnverifiedList } from "../keys/unverified-list.js";
import { DEVICES_AT_A_TIME } from "../model/batch-sizes.js";
import type { UserId } from "../model/ids.js";
import { inPartsOf } from "../model/in-parts.js";
import type { DeviceList } from "../trust/device-list.js";
import { planVerification, type Verified } from "../trust/verify-list.js";
import { verifyAll, type VerifyPorts } from "./verify-all.js";

/**
 * Verifies the list of a user with many devices in parts, so that a verifier that yields in between makes each part a
 * task of its own.
 */
export function verifyInParts(
  userId: UserId,
  given: UnverifiedList,
  known: DeviceList | undefined,
  ports: VerifyPorts & Parameters<typeof planVerification>[3],
): Observable<Verified> {
  return from(partsOf(given)).pipe(
    concatMap((part) => verifyAll(new Map([[userId, planVerification(part, userId, known, ports)]]), ports)),
    concatMap((verified) => verified.values()),
    toArray(),
    map(joined),
  );
}

/** Splits a list by devices. Refusals are in the first part. */
function partsOf(list: UnverifiedList): readonly UnverifiedList[] {
  if (list.deviceKeys.size <= DEVICES_AT_A_TIME) return [list];
  return inPartsOf(DEVICES_AT_A_TIME, [...list.deviceKeys]).map((devices, i) => ({
    ...list,
    deviceKeys: new Map(devices),
    rejected: i === 0 ? list.rejected : new Map(),
  }));
}

/** The parts have the same cross-signing keys and differ only in their devices. */
function joined(parts: readonly Verified[]): Verified {
  const [first, ...others] = parts;
  if (first === undefined) throw new Error("a list has at least one part");
  if (others.length === 0) return first;
  const deviceKeys = new Map(first.list.deviceKeys);
  const deviceStatus = new Map(first.list.deviceStatus);
  const rejected = new Map(first.list.rejected);
  for (const { list } of others) {
    list.deviceKeys.forEach((device, deviceId) => deviceKeys.set(deviceId, device));
    list.deviceStatus.forEach((status, deviceId) => deviceStatus.set(deviceId, status));
    list.rejected.forEach((reason, deviceId) => {
      reject(rejected, deviceId, reason);
    });
  }
  return { ...first, list: { ...first.list, deviceKeys, deviceStatus, rejected } };
}
