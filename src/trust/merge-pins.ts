import { MAX_CROSS_SIGNING_KEYS, MAX_RETIRED_KEYS } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import { strongest } from "./evidence.js";
import { mergeHistories } from "./key-history.js";
import { evidenceOf, isNothing, makePins, union, type Pins } from "./pins.js";

/**
 * Merges two sets of pins; the first one wins, and comes first: the order is that in which devices were first seen. A key
 * that either has replaced on stronger evidence is not won back by the other.
 *
 * Whether the result is complete, the first one decides; but if the two have different master keys, and the later ones
 * are complete, one of them was shown as unchanged that is not pinned any more.
 */
export function mergePins(first: Pins, later: Pins): Pins {
  const { incomplete, ...known } = later;
  if (isNothing(known)) return first;
  const isLater = (deviceId: DeviceId) => counts(lineOf(first, deviceId), lineOf(later, deviceId));
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
    evidence.set(id, isLater(id) ? one : strongest(evidenceOf(first, id), one));
  const [master, laterMaster] = [lineOf(first), lineOf(later)];
  const isLaterMaster = counts(master, laterMaster);
  const isOneMaster = master.key === laterMaster.key;
  const masterKey = isLaterMaster ? later.masterKey : first.masterKey;
  const masterEvidence = (isLaterMaster ? later : first).masterEvidence;
  return makePins({
    ...first,
    devices,
    signed: new Set([...signedOf(first), ...signedOf(later)]),
    evidence,
    retired: mergeRetired(first, later, devices),
    masterKey,
    masterEvidence: isOneMaster ? strongest(first.masterEvidence, later.masterEvidence) : masterEvidence,
    retiredMasterKeys: without(union(first.retiredMasterKeys, later.retiredMasterKeys, MAX_RETIRED_KEYS), masterKey),
    wasVerified: first.wasVerified ?? later.wasVerified,
    crossSigningKeys: union(first.crossSigningKeys, later.crossSigningKeys, MAX_CROSS_SIGNING_KEYS),
    incomplete: disagree(master, laterMaster) && incomplete === undefined ? true : first.incomplete,
    history: mergeHistories(first.history, later.history),
  });
}

/** Whether these pins contradict each other: what one of them let pass as the key first seen, the other does not. */
export function contradict(a: Pins, b: Pins): boolean {
  if (disagree(lineOf(a), lineOf(b))) return true;
  for (const deviceId of a.devices.keys()) if (disagree(lineOf(a, deviceId), lineOf(b, deviceId))) return true;
  return false;
}

/** A pinned key and those that it has replaced. */
interface Line {
  readonly key: string | undefined;
  readonly retired: readonly string[] | undefined;
}

/** @param deviceId that of the master key without one */
const lineOf = ({ masterKey, retiredMasterKeys, devices, retired }: Pins, deviceId?: DeviceId): Line =>
  deviceId === undefined
    ? { key: masterKey, retired: retiredMasterKeys }
    : { key: devices.get(deviceId), retired: retired?.get(deviceId) };

const hasReplaced = ({ retired }: Line, { key }: Line): boolean => key !== undefined && retired?.includes(key) === true;

/** Whether the keys are different, and neither has replaced the other. */
const disagree = (a: Line, b: Line): boolean =>
  a.key !== undefined && b.key !== undefined && a.key !== b.key && !hasReplaced(a, b) && !hasReplaced(b, a);

/** Whether the later one counts: it is the only one, or has replaced the first. If both have, the first does. */
const counts = (first: Line, later: Line): boolean =>
  later.key !== undefined && (first.key === undefined || (hasReplaced(later, first) && !hasReplaced(first, later)));

function mergeRetired(
  { retired: first = new Map() }: Pins,
  { retired: later = new Map() }: Pins,
  devices: Pins["devices"],
): NonNullable<Pins["retired"]> {
  const merged = new Map<DeviceId, readonly string[]>();
  for (const deviceId of new Set([...first.keys(), ...later.keys()])) {
    const keys = union(first.get(deviceId), later.get(deviceId), MAX_RETIRED_KEYS);
    const others = without(keys, devices.get(deviceId));
    if (others.length > 0) merged.set(deviceId, others);
  }
  return merged;
}

const without = (keys: readonly string[], key: string | undefined): readonly string[] =>
  keys.filter((one) => one !== key);
