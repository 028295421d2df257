import { comparableKey } from "../keys/device-key.js";
import { shortId } from "../keys/limits.js";
import { quote } from "../keys/shape.js";
import type { DeviceId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import { isWeaker, type Evidence } from "./evidence.js";
import type { DeviceEntry } from "./kept-devices.js";

const MAX_NAMED = 3;

/**
 * Returns refusals of devices that share a curve25519 key with another device of the user: Olm identifies a device by
 * this key ("m.olm.v1.curve25519-aes-sha2"), and its ownership is not proven. If exactly one of them has the strongest
 * evidence, by the user's pinned identity or a person, it stays: no other device can lock it out.
 *
 * @param evidenceOf the evidence for a device's keys
 */
export function sharedKeyRefusals(
  entries: ReadonlyMap<DeviceId, DeviceEntry>,
  evidenceOf: (deviceId: DeviceId, entry: DeviceEntry) => Evidence,
): ReadonlyMap<DeviceId, RejectionReason> {
  const refusals = new Map<DeviceId, RejectionReason>();
  for (const deviceIds of sharingDevices(entries)) {
    const owner = strongestOf(deviceIds, entries, evidenceOf);
    const named = deviceIds.slice(0, MAX_NAMED + 1);
    for (const deviceId of deviceIds) {
      if (deviceId === owner) continue;
      const others = named.filter((other) => other !== deviceId).slice(0, MAX_NAMED);
      const names = others.map(quote).join(", ");
      const detail = `keys.curve25519:${shortId(deviceId)}: the same key as ${names}`;
      refusals.set(deviceId, { code: "key-shared", detail });
    }
  }
  return refusals;
}

/** Returns the only device with the strongest evidence, if that is more than a device can create for itself. */
function strongestOf(
  deviceIds: readonly DeviceId[],
  entries: ReadonlyMap<DeviceId, DeviceEntry>,
  evidenceOf: (deviceId: DeviceId, entry: DeviceEntry) => Evidence,
): DeviceId | undefined {
  let owners: DeviceId[] = [];
  let highest: Evidence = "cross-signed";
  for (const deviceId of deviceIds) {
    const entry = entries.get(deviceId);
    const evidence = entry === undefined ? "seen" : evidenceOf(deviceId, entry);
    if (isWeaker(evidence, highest)) continue;
    if (isWeaker(highest, evidence)) owners = [];
    highest = evidence;
    owners.push(deviceId);
  }
  return owners.length === 1 ? owners[0] : undefined;
}

function sharingDevices(entries: ReadonlyMap<DeviceId, DeviceEntry>): readonly (readonly DeviceId[])[] {
  const byKey = new Map<string, DeviceId[]>();
  for (const [deviceId, { device }] of entries) {
    const key = comparableKey(device, "curve25519");
    if (key === undefined) continue;
    const devices = byKey.get(key);
    if (devices === undefined) byKey.set(key, [deviceId]);
    else devices.push(deviceId);
  }
  return Array.from(byKey.values()).filter(({ length }) => length > 1);
}
