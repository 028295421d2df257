import { deviceKey } from "../keys/device-key.js";
import { shortId } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import type { KeyEvent } from "../model/key-event.js";
import type { DeviceStatus, RejectionReason } from "../model/results.js";
import type { DeviceList } from "./device-list.js";
import { isWeaker, type Evidence } from "./evidence.js";
import { appendEvents } from "./key-history.js";
import { evidenceOf, makePins, noteShown, replaceKeys, withRoom, type Pins, type Replacement } from "./pins.js";

export interface PinnedDevices {
  readonly refusals: ReadonlyMap<DeviceId, RejectionReason>;
  /** Without what is new. */
  readonly pins: Pins;
  /** With the keys of new devices, except those refused for another reason, which are not shown to anyone. */
  readonly pinsExcept: (refused: ReadonlyMap<DeviceId, unknown>) => Pins;
}

/** The identity's evidence for devices that it has signed. */
export type IdentityEvidence = "cross-signed" | "verified" | undefined;

/**
 * Compares a list's devices with the pins.
 *
 * 1. Unsigned devices pin nothing.
 * 2. Another ed25519 key replaces the pinned one only if the user's pinned, unchanged identity has signed the device
 *    with it, and either no person has confirmed the pinned key or our own confirmed identity vouches for the user. A
 *    replaced key is refused. (Matrix spec, client-server API, "Device keys": the ed25519 key is the device's
 *    fingerprint. That it must not change while the device ID stays the same is our rule.)
 * 3. A device that has lost its signature is refused: its other keys could be anyone's.
 */
export function pinDevices(
  verified: DeviceList,
  known: Pins,
  before: DeviceList | undefined,
  byIdentity: IdentityEvidence,
): PinnedDevices {
  const refusals = new Map<DeviceId, RejectionReason>();
  const added = new Map<DeviceId, string>();
  const signed: DeviceId[] = [];
  const stronger = new Map<DeviceId, Evidence>();
  const replaced = new Map<DeviceId, Replacement>();
  const shown: KeyEvent[] = [];
  for (const [deviceId, device] of verified.deviceKeys) {
    const status = verified.deviceStatus.get(deviceId);
    const key = deviceKey(device, "ed25519");
    const pinned = known.devices.get(deviceId);
    const evidence = evidenceIn(status, byIdentity);
    if (pinned !== undefined && pinned !== key) {
      const event = { kind: "device", key: key ?? "", deviceId, at: verified.fetchedAt } as const;
      if (key !== undefined && overrides(known, deviceId, key, evidence)) {
        replaced.set(deviceId, { key, evidence, event: { ...event, type: "accepted" } });
        if (status?.signedByItself === true) signed.push(deviceId);
      } else {
        const isRetired = key !== undefined && known.retired?.get(deviceId)?.includes(key) === true;
        refusals.set(deviceId, keyChanged(deviceId, isRetired));
        if (key !== undefined) shown.push({ ...event, type: isRetired ? "returned" : "shown" });
      }
      continue;
    } else if (pinned !== undefined && evidence === "seen" && wasSigned(deviceId, known, before)) {
      const detail = `signatures: expected one by ed25519:${shortId(deviceId)}, which has signed this device before`;
      refusals.set(deviceId, { code: "unsigned", detail });
      continue;
    } else if (pinned === undefined && key !== undefined && evidence !== "seen") added.set(deviceId, key);
    if (key === undefined || evidence === "seen") continue;
    if (status?.signedByItself === true && known.signed?.has(deviceId) !== true) signed.push(deviceId);
    const former = evidenceOf(known, deviceId);
    // A person's acknowledgement stays, whatever the identity says.
    if (evidence !== "self-signed" && former !== "acknowledged" && isWeaker(former, evidence))
      stronger.set(deviceId, evidence);
  }
  const pins = noteShown(replaceKeys(known, replaced), shown);
  const pinsExcept = (refused: ReadonlyMap<DeviceId, unknown>) => {
    const isAccepted = ([deviceId]: readonly [DeviceId, ...unknown[]]) => !refused.has(deviceId);
    const accepted = new Map(Array.from(added).filter(isAccepted));
    // Refused devices still exist.
    const isLive = (deviceId: DeviceId) => verified.deviceKeys.has(deviceId) || verified.rejected.has(deviceId);
    const isPinned = (deviceId: DeviceId) => pins.devices.has(deviceId) || accepted.has(deviceId);
    return withAdded(
      withRoom(pins, accepted.size, isLive),
      accepted,
      signed.filter(isPinned),
      new Map(Array.from(stronger).filter(([deviceId]) => isPinned(deviceId))),
      verified.fetchedAt,
    );
  };
  return { refusals, pins, pinsExcept };
}

function withAdded(
  pins: Pins,
  added: ReadonlyMap<DeviceId, string>,
  signed: readonly DeviceId[],
  stronger: ReadonlyMap<DeviceId, Evidence>,
  at: number,
): Pins {
  if (added.size + signed.length + stronger.size === 0) return pins;
  const events = Array.from(
    added,
    ([deviceId, key]) => ({ type: "first-seen", kind: "device", key, deviceId, at }) as const,
  );
  return makePins({
    ...pins,
    devices: new Map([...pins.devices, ...added]),
    signed: new Set([...(pins.signed ?? []), ...signed]),
    evidence: new Map([...(pins.evidence ?? []), ...stronger]),
    history: appendEvents(pins.history, events),
  });
}

function evidenceIn(status: DeviceStatus | undefined, byIdentity: IdentityEvidence): Evidence {
  if (status?.crossSigned === true && byIdentity !== undefined) return byIdentity;
  return status?.signedByItself === true ? "self-signed" : "seen";
}

const overrides = (pins: Pins, deviceId: DeviceId, key: string, evidence: Evidence): boolean =>
  !isWeaker(evidence, "cross-signed") &&
  !isWeaker(evidence, evidenceOf(pins, deviceId)) &&
  pins.retired?.get(deviceId)?.includes(key) !== true;

function keyChanged(deviceId: DeviceId, isRetired: boolean): RejectionReason {
  const what = isRetired
    ? "a key that this device had before, and that was replaced"
    : "not the key that this device is known by";
  return { code: "key-changed", detail: `keys.ed25519:${shortId(deviceId)}: ${what}` };
}

/** True if the pinned key has signed the device before. */
export function wasSigned(deviceId: DeviceId, pins: Pins, before: DeviceList | undefined): boolean {
  if (pins.signed?.has(deviceId) === true) return true;
  const evidence = evidenceOf(pins, deviceId);
  if (evidence === "cross-signed" || evidence === "verified") return true;
  const device = before?.deviceKeys.get(deviceId);
  const isSameKey = device !== undefined && deviceKey(device, "ed25519") === pins.devices.get(deviceId);
  return isSameKey && before?.deviceStatus.get(deviceId)?.signedByItself === true;
}
