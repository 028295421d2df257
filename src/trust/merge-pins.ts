import { MAX_CROSS_SIGNING_KEYS, MAX_FORGOTTEN_DEVICES, MAX_RETIRED_KEYS } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import { isWeaker, strongest, type Evidence } from "./evidence.js";
import { mergeHistories } from "./key-history.js";
import { evidenceOf, isNothing, isSeenAgain, makePins, union, withoutIdentity, type Pins } from "./pins.js";

/**
 * Merges two sets of pins. The first set wins, and comes first: pins are ordered by when their devices were first seen.
 * A key that either set has replaced on stronger evidence is not restored by the other.
 *
 * The first set decides whether the result is complete. But if their master keys differ and the later set is complete,
 * the result is incomplete: one of the keys was shown as unchanged and is no longer pinned.
 */
export function mergePins(firstPins: Pins, laterPins: Pins): Pins {
  const { incomplete, ...known } = laterPins;
  if (isNothing(known)) return firstPins;
  const [master, laterMaster] = [lineOf(firstPins), lineOf(laterPins)];
  const isLaterMaster = counts(master, laterMaster);
  const masterKey = isLaterMaster ? laterMaster.key : master.key;
  const [first, later] = [under(masterKey, firstPins), under(masterKey, laterPins)];
  const isLater = (deviceId: DeviceId) =>
    !isForgotten(first, later, deviceId) && counts(lineOf(first, deviceId), lineOf(later, deviceId));
  const devices = new Map([...first.devices, ...Array.from(later.devices).filter(([id]) => isLater(id))]);
  // What is said of a key other than the pinned one is ignored.
  const saysOf =
    (pins: Pins) =>
    ([id]: readonly [DeviceId, unknown]) =>
      !pins.devices.has(id) || pins.devices.get(id) === devices.get(id);
  const entriesOf = <T>(pins: Pins, map: ReadonlyMap<DeviceId, T> = new Map()) => Array.from(map).filter(saysOf(pins));
  const signedOf = (pins: Pins) => Array.from(pins.signed ?? []).filter((id) => saysOf(pins)([id, true]));
  const evidence = new Map(entriesOf(first, first.evidence));
  for (const [id, one] of entriesOf(later, later.evidence))
    if (devices.has(id)) evidence.set(id, isLater(id) ? one : strongerOf(evidenceOf(first, id), one));
  const isOneMaster = master.key === laterMaster.key;
  const masterEvidence = (isLaterMaster ? later : first).masterEvidence;
  return makePins({
    ...first,
    devices,
    signed: new Set([...signedOf(first), ...signedOf(later)]),
    evidence,
    retired: mergeRetired(first, later, devices),
    masterKey,
    masterEvidence: isOneMaster ? strongest(first.masterEvidence, later.masterEvidence) : masterEvidence,
    retiredMasterKeys: without(
      union(
        first.retiredMasterKeys,
        [...(later.retiredMasterKeys ?? []), ...outweighed(master, laterMaster)],
        MAX_RETIRED_KEYS,
      ),
      masterKey,
    ),
    forgotten: mergeForgotten(first.forgotten, later.forgotten),
    wasVerified: first.wasVerified ?? (first.withdrawn === undefined ? later.wasVerified : undefined),
    withdrawn: first.withdrawn,
    crossSigningKeys: union(first.crossSigningKeys, later.crossSigningKeys, MAX_CROSS_SIGNING_KEYS),
    incomplete: isOpen(master, laterMaster) && incomplete === undefined ? true : first.incomplete,
    history: mergeHistories(first.history, later.history),
  });
}

/** True if a person forgot the device, and the other pins have it from before. */
function isForgotten({ forgotten, devices }: Pins, later: Pins, deviceId: DeviceId): boolean {
  const forgot = devices.has(deviceId) ? undefined : forgotten?.get(deviceId);
  return forgot !== undefined && !isSeenAgain(later, deviceId, forgot);
}

/** Returns the stronger evidence for one key; a person's acknowledgement stays one. */
const strongerOf = (a: Evidence, b: Evidence): Evidence =>
  a === "acknowledged" || b === "acknowledged" ? "acknowledged" : strongest(a, b);

/** Returns the pins without what an identity with another master key says. */
const under = (masterKey: string | undefined, pins: Pins): Pins =>
  pins.masterKey === undefined || pins.masterKey === masterKey ? pins : withoutIdentity(pins);

function mergeForgotten(
  a: Pins["forgotten"] = new Map(),
  b: Pins["forgotten"] = new Map(),
): NonNullable<Pins["forgotten"]> {
  const merged = new Map(a);
  for (const [deviceId, one] of b) if (one.at > (a.get(deviceId)?.at ?? -1)) merged.set(deviceId, one);
  return new Map([...merged].slice(-MAX_FORGOTTEN_DEVICES));
}

/** True if the merged pins contradict something that the later pins showed as unchanged. */
export function contradict(first: Pins, later: Pins): boolean {
  const isLost = (a: Line, b: Line) => disagree(a, b) && !outweighs(b, a);
  if (isLost(lineOf(first), lineOf(later))) return true;
  for (const id of first.devices.keys()) if (isLost(lineOf(first, id), lineOf(later, id))) return true;
  return false;
}

interface Line {
  readonly key: string | undefined;
  readonly retired: readonly string[] | undefined;
  readonly evidence: Evidence;
}

/** @param deviceId without it, the master key's line is returned */
function lineOf(pins: Pins, deviceId?: DeviceId): Line {
  const { masterKey, masterEvidence = "seen", retiredMasterKeys, devices, retired } = pins;
  return deviceId === undefined
    ? { key: masterKey, retired: retiredMasterKeys, evidence: masterEvidence }
    : { key: devices.get(deviceId), retired: retired?.get(deviceId), evidence: evidenceOf(pins, deviceId) };
}

const hasReplaced = ({ retired }: Line, { key }: Line): boolean => key !== undefined && retired?.includes(key) === true;

/** True if the keys differ, and neither has replaced the other. */
const disagree = (a: Line, b: Line): boolean =>
  a.key !== undefined && b.key !== undefined && a.key !== b.key && !hasReplaced(a, b) && !hasReplaced(b, a);

/** True if the two disagree, and neither is a person's decision against the server's answer. */
const isOpen = (a: Line, b: Line): boolean => disagree(a, b) && !outweighs(a, b) && !outweighs(b, a);

/** True if one is a person's decision, and the other is not, or a weaker one. */
const outweighs = (one: Line, other: Line): boolean =>
  !isWeaker(one.evidence, "acknowledged") && isWeaker(other.evidence, one.evidence);

/**
 * True if the later key counts: it is the only one, has replaced the first, or is a person's decision against the
 * server's answer. If each has replaced the other, the first counts.
 */
const counts = (first: Line, later: Line): boolean =>
  later.key !== undefined &&
  ((first.key === undefined && !hasReplaced(first, later)) ||
    (hasReplaced(later, first) && !hasReplaced(first, later)) ||
    (outweighs(later, first) && !hasReplaced(first, later)));

function mergeRetired(first: Pins, later: Pins, devices: Pins["devices"]): NonNullable<Pins["retired"]> {
  const merged = new Map<DeviceId, readonly string[]>();
  const ids = new Set([...(first.retired?.keys() ?? []), ...(later.retired?.keys() ?? []), ...later.devices.keys()]);
  for (const deviceId of ids) {
    const [one, other] = [lineOf(first, deviceId), lineOf(later, deviceId)];
    const keys = union(one.retired, [...(other.retired ?? []), ...outweighed(one, other)], MAX_RETIRED_KEYS);
    const others = without(keys, devices.get(deviceId));
    if (others.length > 0) merged.set(deviceId, others);
  }
  return merged;
}

/** Returns the key that a person's decision has replaced. */
function outweighed(a: Line, b: Line): readonly string[] {
  if (a.key === undefined || b.key === undefined || a.key === b.key) return [];
  return outweighs(a, b) ? [b.key] : outweighs(b, a) ? [a.key] : [];
}

const without = (keys: readonly string[], key: string | undefined): readonly string[] =>
  keys.filter((one) => one !== key);
