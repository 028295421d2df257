import { MAX_REJECTED_PER_USER, shortId } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import type { RejectionCode, RejectionReason } from "../model/results.js";
import { withoutDevices, type DeviceList } from "./device-list.js";
import { strongest, type Evidence } from "./evidence.js";
import { identityState, isVerified, type Identity } from "./identity.js";
import { entryOf, keptDevices, type DeviceEntry } from "./kept-devices.js";
import type { PinContext } from "./pin-context.js";
import { pinDevices, wasSigned, type IdentityEvidence } from "./pin-devices.js";
import { pinIdentity } from "./pin-identity.js";
import { crossSigningIds, evidenceOf, type Pins } from "./pins.js";
import { sharedKeyRefusals } from "./shared-keys.js";

type Entries = ReadonlyMap<DeviceId, DeviceEntry>;
type Refusals = ReadonlyMap<DeviceId, RejectionReason>;

/** A list with keys that agree with the pins, and the pins that follow from it. */
export interface Pinned {
  readonly list: DeviceList;
  readonly pins: Pins;
}

/**
 * Compares a verified list with the user's pins, and pins what is new in it. {@link Evidence} is ranked: stronger
 * evidence overrides a weaker pin, weaker evidence never replaces or blocks a stronger one.
 *
 * 1. The master key: {@link pinIdentity}.
 * 2. The devices: {@link pinDevices}. A refused one stays as it was, if `before` still has it.
 * 3. A device whose ID is the public key of one of the user's past or present cross-signing keys is refused, and shown
 *    on the identity.
 * 4. Of devices with the same curve25519 key, at most one stays: {@link sharedKeyRefusals}.
 *
 * @param before the last saved list
 * @returns the list, and the pins: the same object if there is nothing to pin
 */
export function applyPins(
  given: DeviceList,
  known: Pins,
  before: DeviceList | undefined,
  context: PinContext = {},
): Pinned {
  const refusesUnsigned = context.refusesUnsigned === true;
  const { identity, pins: byIdentity } = pinIdentity(given, known, before, context);
  const verified = withoutDevices(given, forgottenSince(byIdentity, context));
  const collisions = collisionsIn(verified, byIdentity, context);
  const evidence = identityEvidence(identity, context);
  const compared = withoutDevices(verified, collisions);
  const { refusals: byPins, pins, pinsExcept } = pinDevices(compared, byIdentity, before, evidence);
  const refusals = new Map([...collisions, ...byPins]);
  const keepable = keepableDevices(compared, byPins, pins, before);
  const kept = keptDevices(keepable, compared, pins, before, refusesUnsigned);
  const entries = mergeEntries(compared, byPins, kept);
  const shared = sharedKeyRefusals(entries, (deviceId, entry) => evidenceFor(deviceId, entry, pins, evidence));
  const refused = new Map<DeviceId, RejectionReason>();
  for (const [deviceId, reason] of refusals)
    refused.set(shortId(deviceId), withConsequence(reason, kept.has(deviceId)));
  for (const [deviceId, reason] of shared) refused.set(shortId(deviceId), reason);
  return {
    list: resultingList(verified, entries, shared, keptFirst(refused, kept), withCollisions(identity, collisions)),
    pins: pinsExcept(shared),
  };
}

/** Returns the identity's evidence for devices that it has signed; none if it is not the pinned one. */
function identityEvidence(identity: Identity, { isOwn = false, ourKey }: PinContext): IdentityEvidence {
  if (identityState(identity) !== "unchanged") return undefined;
  return isVerified(identity, ourKey) || (isOwn && identity.confirmed === true) ? "verified" : "cross-signed";
}

/** A person's decision concerns the ed25519 key: it covers the other keys if that key has signed them. */
function evidenceFor(deviceId: DeviceId, { status }: DeviceEntry, pins: Pins, byIdentity: IdentityEvidence): Evidence {
  const bySignature = status.crossSigned && byIdentity !== undefined ? byIdentity : "seen";
  const isAcknowledged = status.signedByItself && evidenceOf(pins, deviceId) === "acknowledged";
  return isAcknowledged ? strongest(bySignature, "acknowledged") : bySignature;
}

/**
 * Returns devices that could be mistaken for one of their user's cross-signing keys, however many others were listed.
 */
function collisionsIn(verified: DeviceList, pins: Pins, { isListed }: PinContext): Refusals {
  const isThere = isListed ?? ((id) => verified.deviceKeys.has(id) || verified.rejected.has(id));
  const detail = "device_id: the public key of one of the user's cross-signing keys";
  const collisions = crossSigningIds(pins).filter((key) => isThere(key));
  return new Map(collisions.map((id): [DeviceId, RejectionReason] => [id, { code: "cross-signing-id", detail }]));
}

const withCollisions = (identity: Identity, collisions: Refusals): Identity =>
  collisions.size === 0 ? identity : { ...identity, collisions: [...collisions.keys()] };

/** Returns devices that a person has forgotten since the query was sent. */
function forgottenSince({ forgotten }: Pins, { askedAfter }: PinContext): ReadonlyMap<DeviceId, unknown> {
  if (forgotten === undefined || askedAfter === undefined) return new Map();
  return new Map(Array.from(forgotten).filter(([, { commit }]) => commit > askedAfter));
}

/** Reasons to refuse the new form of a device, not the device itself: the form that we have is kept. */
const KEEPING: ReadonlySet<RejectionCode> = new Set([
  "malformed",
  "user-id-mismatch",
  "device-id-mismatch",
  "too-large",
  "invalid-signature",
  "key-changed",
]);

/** Returns devices that may be kept as they were: those refused by the pins, then those refused by verification. */
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

/** Returns the accepted and kept devices in the order of the list, then kept ones that are not in it. */
function mergeEntries(verified: DeviceList, refusals: Refusals, kept: Entries): Entries {
  const entries = new Map<DeviceId, DeviceEntry>();
  for (const [deviceId, device] of verified.deviceKeys) {
    const entry = refusals.has(deviceId) ? kept.get(deviceId) : entryOf(verified, deviceId, device);
    if (entry !== undefined) entries.set(deviceId, entry);
  }
  for (const [deviceId, entry] of kept) entries.set(deviceId, entry);
  return entries;
}

function withConsequence(reason: RejectionReason, isKept: boolean): RejectionReason {
  return {
    ...reason,
    detail: `${reason.detail}; ${isKept ? "the device is kept as it was" : "the device is left out"}`,
  };
}

/** Puts refusals of kept devices first: nothing may hide that these get no messages. */
function keptFirst(refused: Refusals, kept: Entries): Refusals {
  if (kept.size === 0) return refused;
  const isKept = ([deviceId]: readonly [DeviceId, RejectionReason]) => kept.has(deviceId);
  return new Map([...Array.from(refused).filter(isKept), ...refused]);
}

/** Returns as many refusals as there is room for, but at least as many as there are devices. */
function firstOf(refused: readonly (readonly [DeviceId, RejectionReason])[], { length }: readonly unknown[]): Refusals {
  return new Map(refused.slice(0, Math.max(length, MAX_REJECTED_PER_USER)));
}

function resultingList(
  verified: DeviceList,
  entries: Entries,
  shared: Refusals,
  refused: Refusals,
  identity: Identity,
): DeviceList {
  const remaining = Array.from(entries).filter(([deviceId]) => !shared.has(deviceId));
  return {
    ...verified,
    deviceKeys: new Map(remaining.map(([deviceId, { device }]) => [deviceId, device])),
    deviceStatus: new Map(remaining.map(([deviceId, { status }]) => [deviceId, status])),
    rejected: refused.size === 0 ? verified.rejected : firstOf([...refused, ...verified.rejected], remaining),
    identity,
  };
}
