import { MAX_CROSS_SIGNING_KEYS, MAX_FORGOTTEN_DEVICES, MAX_RETIRED_KEYS } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import { isWeaker, strongest, type Evidence } from "./evidence.js";
import { mergeHistories } from "./key-history.js";
import { evidenceOf, isNothing, isSeenAgain, makePins, union, withoutIdentity, type Pins } from "./pins.js";

/**
 * Merges two sets of pins; the first one wins, and comes first: the order is that in which devices were first seen. A
 * key that either has replaced on stronger evidence is not won back by the other.
 *
 * Whether the result is complete, the first one decides; but if the two have different master keys, and the later ones
 * are complete, one of them was shown as unchanged that is not pinned any more.
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
  // What is said of another key than the one pinned now is ignored.
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

/** Whether a person forgot the device, and the other pins have it from before. */
function isForgotten({ forgotten, devices }: Pins, later: Pins, deviceId: DeviceId): boolean {
  const word = devices.has(deviceId) ? undefined : forgotten?.get(deviceId);
  return word !== undefined && !isSeenAgain(later, deviceId, word);
}

/** What ties one key to its device: a person's word stays one. */
const strongerOf = (a: Evidence, b: Evidence): Evidence =>
  a === "acknowledged" || b === "acknowledged" ? "acknowledged" : strongest(a, b);

/** The pins without what an identity says that is not the one with this master key. */
const under = (masterKey: string | undefined, pins: Pins): Pins =>
  pins.masterKey === undefined || pins.masterKey === masterKey ? pins : withoutIdentity(pins);

function mergeForgotten(
  a: Pins["forgotten"] = new Map(),
  b: Pins["forgotten"] = new Map(),
): NonNullable<Pins["forgotten"]> {
  const merged = new Map(a);
  for (const [deviceId, word] of b) if (word.at > (a.get(deviceId)?.at ?? -1)) merged.set(deviceId, word);
  return new Map([...merged].slice(-MAX_FORGOTTEN_DEVICES));
}

/** Whether what the later pins let pass as unchanged is not what counts, once they are merged with the first ones. */
export function contradict(first: Pins, later: Pins): boolean {
  const isLost = (a: Line, b: Line) => disagree(a, b) && !outweighs(b, a);
  if (isLost(lineOf(first), lineOf(later))) return true;
  for (const id of first.devices.keys()) if (isLost(lineOf(first, id), lineOf(later, id))) return true;
  return false;
}

/** A pinned key and those that it has replaced. */
interface Line {
  readonly key: string | undefined;
  readonly retired: readonly string[] | undefined;
  readonly evidence: Evidence;
}

/** @param deviceId that of the master key without one */
function lineOf(pins: Pins, deviceId?: DeviceId): Line {
  const { masterKey, masterEvidence = "seen", retiredMasterKeys, devices, retired } = pins;
  return deviceId === undefined
    ? { key: masterKey, retired: retiredMasterKeys, evidence: masterEvidence }
    : { key: devices.get(deviceId), retired: retired?.get(deviceId), evidence: evidenceOf(pins, deviceId) };
}

const hasReplaced = ({ retired }: Line, { key }: Line): boolean => key !== undefined && retired?.includes(key) === true;

/** Whether the keys are different, and neither has replaced the other. */
const disagree = (a: Line, b: Line): boolean =>
  a.key !== undefined && b.key !== undefined && a.key !== b.key && !hasReplaced(a, b) && !hasReplaced(b, a);

/** Whether the two disagree, and neither is a person's word against the server's. */
const isOpen = (a: Line, b: Line): boolean => disagree(a, b) && !outweighs(a, b) && !outweighs(b, a);

/** Whether one is a person's word, and the other is not, or a weaker one. */
const outweighs = (one: Line, other: Line): boolean =>
  !isWeaker(one.evidence, "acknowledged") && isWeaker(other.evidence, one.evidence);

/**
 * Whether the later one counts: it is the only one, or has replaced the first, or is a person's word against the
 * server's. If both have replaced the other, the first does.
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

/** The key that a person's word has replaced. */
function outweighed(a: Line, b: Line): readonly string[] {
  if (a.key === undefined || b.key === undefined || a.key === b.key) return [];
  return outweighs(a, b) ? [b.key] : outweighs(b, a) ? [a.key] : [];
}

const without = (keys: readonly string[], key: string | undefined): readonly string[] =>
  keys.filter((one) => one !== key);
