import { deviceKey } from "../keys/device-key.js";
import { MAX_REJECTED_PER_USER, shortId } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import type { RejectionCode, RejectionReason } from "../model/results.js";
import type { DeviceList } from "./device-list.js";
import { entryOf, keptDevices, type DeviceEntry } from "./kept-devices.js";
import { makePins, withRoom, type Pins } from "./pins.js";
import { sharedKeyRefusals } from "./shared-keys.js";

type Entries = ReadonlyMap<DeviceId, DeviceEntry>;
type Refusals = ReadonlyMap<DeviceId, RejectionReason>;

/** A list whose keys agree with the pins, and the pins that follow from it. */
export interface Pinned {
  readonly list: DeviceList;
  readonly pins: Pins;
}

/**
 * Compares a verified list with the user's pins, and pins what is new in it.
 *
 * 1. A device is refused if its ed25519 key is missing or not the pinned one, or if it has lost its signature by that
 *    key: its other keys could be anyone's. The device stays as it was, if `before` still has it. (Matrix spec,
 *    client-server API, "Device keys": the ed25519 key is the device's fingerprint. That it stays the same as long as
 *    the device ID does is our rule.)
 * 2. Devices with the same curve25519 key are all refused, except one that was kept: Olm identifies a device by this
 *    key ("m.olm.v1.curve25519-aes-sha2"), and no device proves that it owns it.
 * 3. The master key is compared, and never refused: a person decides about a changed identity ("Key and signature
 *    security"). If the pins are incomplete, one that agrees with them is marked: it may be another one all the same.
 *
 * @param before the list saved last
 * @param refusesUnsigned whether unsigned devices are refused
 * @returns the list, and the pins: the same object if there is nothing to pin
 */
export function applyPins(
  verified: DeviceList,
  pins: Pins,
  before: DeviceList | undefined,
  refusesUnsigned = false,
): Pinned {
  const { refusals, added } = comparePins(verified, pins, before);
  const kept = keptDevices(keepableDevices(verified, refusals, pins, before), verified, pins, before, refusesUnsigned);
  const entries = mergeEntries(verified, refusals, kept);
  const shared = sharedKeyRefusals(entries, kept);
  const refused = new Map<DeviceId, RejectionReason>();
  for (const [deviceId, reason] of refusals)
    refused.set(shortId(deviceId), withConsequence(reason, kept.has(deviceId)));
  for (const [deviceId, reason] of shared) refused.set(shortId(deviceId), reason);
  // Refused devices, too, are there.
  const isLive = (deviceId: DeviceId) =>
    verified.deviceKeys.has(deviceId) || entries.has(deviceId) || verified.rejected.has(deviceId);
  return {
    list: resultingList(verified, entries, shared, refused, pins),
    pins: nextPins(withRoom(pins, added, isLive), added, entries, verified.identity.masterKey),
  };
}

/** Whether the device was signed by its pinned key before. */
function wasSigned(deviceId: DeviceId, pins: Pins, before: DeviceList | undefined): boolean {
  if (pins.signed?.has(deviceId) === true) return true;
  const device = before?.deviceKeys.get(deviceId);
  const isSameKey = device !== undefined && deviceKey(device, "ed25519") === pins.devices.get(deviceId);
  return isSameKey && before?.deviceStatus.get(deviceId)?.signedByItself === true;
}

/** The devices that the pins refuse, and the keys to pin of new devices. */
function comparePins(verified: DeviceList, pins: Pins, before: DeviceList | undefined) {
  const refusals = new Map<DeviceId, RejectionReason>();
  const added = new Map<DeviceId, string>();
  for (const [deviceId, device] of verified.deviceKeys) {
    const key = deviceKey(device, "ed25519");
    const pinned = pins.devices.get(deviceId);
    const isUnsigned = verified.deviceStatus.get(deviceId)?.signedByItself === false;
    const name = `ed25519:${shortId(deviceId)}`;
    if (pinned !== undefined && pinned !== key) {
      const detail = `keys.${name}: not the key first seen of this device, which never changes`;
      refusals.set(deviceId, { code: "key-changed", detail });
    } else if (pinned !== undefined && isUnsigned && wasSigned(deviceId, pins, before)) {
      const detail = `signatures: expected one by ${name}, which has signed this device before`;
      refusals.set(deviceId, { code: "unsigned", detail });
    } else if (pinned === undefined && key !== undefined) added.set(deviceId, key);
  }
  return { refusals, added };
}

/** Reasons to refuse the new form of a device, not the device itself: the form that we have is kept. */
const KEEPING: ReadonlySet<RejectionCode> = new Set([
  "malformed",
  "user-id-mismatch",
  "device-id-mismatch",
  "too-large",
  "invalid-signature",
]);

/** The devices that may be kept as they were: those refused by the pins, then those refused by verification. */
function keepableDevices(
  { deviceKeys, rejected }: DeviceList,
  refusals: Refusals,
  pins: Pins,
  before: DeviceList | undefined,
): ReadonlySet<DeviceId> {
  const keepable = new Set<DeviceId>(refusals.keys());
  for (const [deviceId, { code }] of rejected) {
    if (deviceKeys.has(deviceId)) continue;
    if (KEEPING.has(code) || (code === "unsigned" && wasSigned(deviceId, pins, before))) keepable.add(deviceId);
  }
  return keepable;
}

/** The accepted devices and the kept ones in the order of the list, then the kept ones that are not in it. */
function mergeEntries(verified: DeviceList, refusals: Refusals, kept: Entries): Entries {
  const entries = new Map<DeviceId, DeviceEntry>();
  for (const [deviceId, device] of verified.deviceKeys) {
    const entry = refusals.has(deviceId) ? kept.get(deviceId) : entryOf(verified, deviceId, device);
    if (entry !== undefined) entries.set(deviceId, entry);
  }
  for (const [deviceId, entry] of kept) entries.set(deviceId, entry);
  return entries;
}

/** Adds to a refusal what became of the device. */
function withConsequence(reason: RejectionReason, isKept: boolean): RejectionReason {
  return {
    ...reason,
    detail: `${reason.detail}; ${isKept ? "the device is kept as it was" : "the device is left out"}`,
  };
}

function resultingList(
  verified: DeviceList,
  entries: Entries,
  shared: Refusals,
  refused: Refusals,
  pins: Pins,
): DeviceList {
  const remaining = Array.from(entries).filter(([deviceId]) => !shared.has(deviceId));
  const pinnedMasterKey = pins.masterKey ?? verified.identity.masterKey;
  return {
    ...verified,
    deviceKeys: new Map(remaining.map(([deviceId, { device }]) => [deviceId, device])),
    deviceStatus: new Map(remaining.map(([deviceId, { status }]) => [deviceId, status])),
    rejected:
      refused.size === 0
        ? verified.rejected
        : new Map([...refused, ...verified.rejected].slice(0, MAX_REJECTED_PER_USER)),
    identity: {
      ...verified.identity,
      ...(pinnedMasterKey !== undefined && { pinnedMasterKey }),
      ...(pins.incomplete !== undefined && { uncompared: true }),
    },
  };
}

function nextPins(
  pins: Pins,
  added: ReadonlyMap<DeviceId, string>,
  entries: Entries,
  masterKey: string | undefined,
): Pins {
  const signed = Array.from(entries).flatMap(([deviceId, { status }]) =>
    status.signedByItself && pins.signed?.has(deviceId) !== true ? [deviceId] : [],
  );
  const pinsMasterKey = pins.masterKey === undefined && masterKey !== undefined;
  if (added.size === 0 && signed.length === 0 && !pinsMasterKey) return pins;
  return makePins({
    ...pins,
    devices: new Map([...pins.devices, ...added]),
    signed: new Set([...(pins.signed ?? []), ...signed]),
    masterKey: pins.masterKey ?? masterKey,
  });
}
