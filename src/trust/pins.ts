import { deviceKey } from "../keys/device-key.js";
import {
  MAX_CROSS_SIGNING_KEYS,
  MAX_DEVICES_WITH_RETIRED_KEYS,
  MAX_FORGOTTEN_DEVICES,
  MAX_KEY_EVENTS_PER_USER,
  MAX_PINNED_DEVICES_PER_USER,
  MAX_RETIRED_KEYS,
} from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { KeyEvent, KeyEventType } from "../model/key-event.js";
import { without } from "../model/without.js";
import type { DeviceList } from "./device-list.js";
import { isEvidence, isWeaker, strongest, type Evidence } from "./evidence.js";
import { appendEvents } from "./key-history.js";

/**
 * The keys that a user is known by, and the evidence that ties them to their owner. Only stronger evidence replaces a
 * key, so that a homeserver cannot exchange one that was compared or verified. A replaced key is retired: only a person
 * brings it back.
 *
 * Pins are written from every response with verified signatures, cached or not. They stay when the device or the list
 * is deleted and when the user leaves, as long as there is {@link withRoom room}.
 */
export interface Pins {
  /**
   * The ed25519 key of each device ID, in the order in which they were first seen. A device was signed by itself or its
   * user's identity, or a person has confirmed the key: what only the server says pins nothing.
   */
  readonly devices: ReadonlyMap<DeviceId, string>;
  /** IDs of devices that their pinned key has signed. */
  readonly signed?: ReadonlySet<DeviceId>;
  /** Evidence for the pinned keys, if it is more than a signature by the key itself. */
  readonly evidence?: ReadonlyMap<DeviceId, Evidence>;
  /** Replaced keys of devices, the latest last. */
  readonly retired?: ReadonlyMap<DeviceId, readonly string[]>;
  /** The public key of the master key. */
  readonly masterKey?: string;
  /**
   * Evidence for the master key; `seen` if absent. For our own user, `verified` means that a person has confirmed it.
   */
  readonly masterEvidence?: Evidence;
  readonly retiredMasterKeys?: readonly string[];
  /** True if the user has been verified, and that was not withdrawn. */
  readonly wasVerified?: true;
  /** Public keys of all cross-signing keys so far: a device with such an ID could be mistaken for one of them. */
  readonly crossSigningKeys?: readonly string[];
  /** Devices that a person has forgotten: earlier queries and pins do not bring them back. */
  readonly forgotten?: ReadonlyMap<DeviceId, Forgotten>;
  /** True if a person has withdrawn the user's verification, and nothing has verified them since. */
  readonly withdrawn?: true;
  /**
   * True if earlier pins may be lost or cannot be read: an identity that agrees with these pins is not known to be
   * unchanged, until a person acknowledges it.
   */
  readonly incomplete?: true;
  readonly history?: readonly KeyEvent[];
}

/** When a person forgot a device. */
export interface Forgotten {
  /** In ms since the epoch. */
  readonly at: number;
  readonly commit: number;
}

export const NO_PINS: Pins = { devices: new Map() };
/** No pins can be read, although there may be some. */
export const LOST_PINS: Pins = { devices: new Map(), incomplete: true };

export const isNothing = ({ devices, ...others }: Pins): boolean =>
  devices.size === 0 && Object.values(others as Record<string, unknown>).every((value) => value === undefined);

/** Reads saved pins; `undefined` if the record is damaged. */
export function readPins(record: unknown): Pins | undefined {
  if (record === undefined) return NO_PINS;
  if (!isObject(record)) return undefined;
  const { devices, signed, evidence, retired, masterKey, masterEvidence, retiredMasterKeys, history } = record;
  const { crossSigningKeys, forgotten, withdrawn, wasVerified, incomplete } = record;
  const isSound =
    isMap(devices, isText) &&
    (signed === undefined || signed instanceof Set) &&
    (evidence === undefined || isMap(evidence, isEvidence)) &&
    (retired === undefined || isMap(retired, areTexts)) &&
    (forgotten === undefined || isMap(forgotten, isForgotten)) &&
    (masterKey === undefined || isText(masterKey)) &&
    (masterEvidence === undefined || isEvidence(masterEvidence)) &&
    [retiredMasterKeys, crossSigningKeys].every((keys) => keys === undefined || areTexts(keys)) &&
    [withdrawn, wasVerified, incomplete].every((flag) => flag === undefined || flag === true) &&
    (history === undefined || (Array.isArray(history) && history.every(isObject)));
  return isSound ? (record as unknown as Pins) : undefined;
}

const isForgotten = (value: unknown): boolean =>
  isObject(value) && Number.isFinite(value.at) && Number.isFinite(value.commit);
const isText = (value: unknown): boolean => typeof value === "string";
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

function isMap(value: unknown, isValue: (value: unknown) => boolean): boolean {
  if (!(value instanceof Map)) return false;
  for (const [key, one] of value as ReadonlyMap<unknown, unknown>) if (!isText(key) || !isValue(one)) return false;
  return true;
}

/** Derives pins from a list, in case the saved ones are lost. */
export function pinsOf(list: DeviceList | undefined): Pins {
  if (list === undefined) return NO_PINS;
  const devices = new Map<DeviceId, string>();
  const signed = new Set<DeviceId>();
  for (const [deviceId, device] of list.deviceKeys) {
    const key = deviceKey(device, "ed25519");
    const { signedByItself = false, crossSigned = false } = list.deviceStatus.get(deviceId) ?? {};
    if (key === undefined || !(signedByItself || crossSigned)) continue;
    devices.set(deviceId, key);
    if (signedByItself) signed.add(deviceId);
  }
  const { pinnedMasterKey, wasVerified } = list.identity;
  return makePins({ devices, signed, masterKey: pinnedMasterKey, wasVerified });
}

export const evidenceOf = ({ devices, evidence }: Pins, deviceId: DeviceId): Evidence =>
  evidence?.get(deviceId) ?? (devices.has(deviceId) ? "self-signed" : "seen");

/**
 * Returns the public keys that no device ID may equal, including the pinned one, however many others were seen since.
 */
export const crossSigningIds = ({ masterKey, crossSigningKeys = [] }: Pins): readonly DeviceId[] => [
  ...new Set([...(masterKey === undefined ? [] : [masterKey]), ...crossSigningKeys]),
];

/** Merges two lists of keys, each once, and keeps the last ones up to the limit. */
export const union = (a: readonly string[] = [], b: readonly string[] = [], limit: number): readonly string[] =>
  [...new Set([...a, ...b])].slice(-limit);

/**
 * Pins this key for a device, by a person's decision. A signature of the device by another key no longer counts. A
 * later decision stays: this one may have waited for a store that failed.
 */
export function repin(pins: Pins, deviceId: DeviceId, key: string, at: number): Pins {
  if (hasEventAfter(pins, deviceId, at, DECISIONS)) return pins;
  const isPinned = pins.devices.get(deviceId) === key;
  if (isPinned && !isWeaker(evidenceOf(pins, deviceId), "acknowledged")) return pins;
  const event: KeyEvent = { type: "acknowledged", kind: "device", key, deviceId, at };
  return replaceKeys(pins, new Map([[deviceId, { key, evidence: "acknowledged", event }]]));
}

/** Another key for a device, and its evidence. */
export interface Replacement {
  readonly key: string;
  readonly evidence: Evidence;
  readonly event: KeyEvent;
}

/** Pins other keys for devices; the former ones are retired. */
export function replaceKeys(pins: Pins, replacements: ReadonlyMap<DeviceId, Replacement>): Pins {
  if (replacements.size === 0) return pins;
  const devices = new Map(pins.devices);
  const signed = new Set(pins.signed);
  const evidence = new Map(pins.evidence);
  const retired = new Map(pins.retired);
  for (const [deviceId, { key, evidence: stronger }] of replacements) {
    const former = devices.get(deviceId);
    const others = (retired.get(deviceId) ?? []).filter((one) => one !== key);
    if (former !== undefined && former !== key) {
      signed.delete(deviceId);
      others.push(former);
    }
    devices.set(deviceId, key);
    evidence.set(deviceId, stronger);
    retired.delete(deviceId); // the latest come last
    if (others.length > 0) retired.set(deviceId, others.slice(-MAX_RETIRED_KEYS));
  }
  for (const deviceId of retired.keys()) {
    if (retired.size <= MAX_DEVICES_WITH_RETIRED_KEYS) break;
    retired.delete(deviceId);
  }
  const events = Array.from(replacements.values(), ({ event }) => event);
  return makePins({ ...pins, devices, signed, evidence, retired, history: appendEvents(pins.history, events) });
}

const DECISIONS: ReadonlySet<KeyEventType> = new Set(["acknowledged", "forgotten"]);
/** Events that a delayed decision must not undo. */
const NEWER: ReadonlySet<KeyEventType> = new Set([...DECISIONS, "first-seen", "accepted"]);

const hasEventAfter = (
  { history = [] }: Pins,
  deviceId: DeviceId,
  at: number,
  types: ReadonlySet<KeyEventType>,
): boolean => history.some((event) => event.deviceId === deviceId && event.at > at && types.has(event.type));

/** True if another master key was pinned after this time, or a person decided about it. */
export const hasMasterKeySince = ({ history = [] }: Pins, at: number): boolean =>
  history.some((event) => event.kind === "master" && event.at > at && !isShownOnly(event));

const isShownOnly = ({ type }: KeyEvent): boolean => type === "shown" || type === "returned";

/** True if the pinned device was seen after it was forgotten elsewhere, or a person decided about it. */
export const isSeenAgain = (pins: Pins, deviceId: DeviceId, { at }: Forgotten): boolean =>
  hasEventAfter(pins, deviceId, at, NEWER);

/**
 * Forgets a device, by a person's decision: the next one of this ID is a new one, whatever its key. A device seen since
 * stays: the decision may have waited for a store that failed.
 * @param commit the number of the commit
 */
export function forget(pins: Pins, deviceId: DeviceId, at: number, commit: number): Pins {
  if (hasEventAfter(pins, deviceId, at, NEWER)) return pins;
  const key = pins.devices.get(deviceId);
  const isKnown = key !== undefined || pins.retired?.has(deviceId) === true;
  const event: KeyEvent = { type: "forgotten", kind: "device", key: key ?? "", deviceId, at };
  const ids = new Set([deviceId]);
  const forgotten = [...without(pins.forgotten, ids), [deviceId, { at, commit }] as const];
  return makePins({
    ...withoutDevices(pins, ids),
    forgotten: new Map(forgotten.slice(-MAX_FORGOTTEN_DEVICES)),
    history: isKnown ? appendEvents(pins.history, [event]) : pins.history,
  });
}

/**
 * Pins a master key on this evidence, or none if the user has none; the former one is retired. What it signed no longer
 * counts, nor do the replacements that it signed.
 */
export function replaceMasterKey(pins: Pins, masterKey: string | undefined, evidence: Evidence, event: KeyEvent): Pins {
  const { masterKey: former } = pins;
  const retired = (pins.retiredMasterKeys ?? []).filter((one) => one !== masterKey);
  const isReplaced = former !== undefined && former !== masterKey;
  return makePins({
    ...(isReplaced ? withoutIdentity(pins) : pins),
    masterKey,
    masterEvidence: masterKey === undefined ? undefined : evidence,
    retiredMasterKeys: union(retired, isReplaced ? [former] : [], MAX_RETIRED_KEYS),
    crossSigningKeys: union(pins.crossSigningKeys, masterKey === undefined ? [] : [masterKey], MAX_CROSS_SIGNING_KEYS),
    history: appendEvents(pins.history, [event]),
  });
}

/** Returns the pins without what only the identity says of devices; what a person acknowledged stays. */
export function withoutIdentity(pins: Pins): Pins {
  const isAcknowledged = ([deviceId]: readonly [DeviceId, unknown]) => evidenceOf(pins, deviceId) === "acknowledged";
  const acknowledged = <T>(map: ReadonlyMap<DeviceId, T> = new Map()) =>
    new Map(Array.from(map).filter(isAcknowledged));
  return makePins({ ...pins, evidence: acknowledged(pins.evidence), retired: acknowledged(pins.retired) });
}

/**
 * Pins this master key by a person's decision, whether another one was pinned, is lost, or there was none; `undefined`
 * if the user has none.
 * @param evidence `verified` if it is our own and a person has confirmed it
 */
export function repinMasterKey(
  pins: Pins,
  masterKey: string | undefined,
  evidence: "acknowledged" | "verified",
  at: number,
): Pins {
  const type = evidence === "verified" ? "confirmed" : "acknowledged";
  const isPinned = pins.masterKey === masterKey;
  // Acknowledging a verified key does not weaken it.
  const strongestEvidence = isPinned ? strongest(pins.masterEvidence, evidence) : evidence;
  const isAsStrong = masterKey === undefined || pins.masterEvidence === strongestEvidence;
  if (isPinned && isAsStrong && pins.incomplete === undefined) return pins;
  const event: KeyEvent = { type, kind: "master", key: masterKey ?? "", at };
  const repinned = replaceMasterKey(pins, masterKey, strongestEvidence, event);
  return makePins({ ...repinned, incomplete: undefined });
}

/**
 * Makes room for this many new devices: at the limit, the oldest pins of devices that are gone are dropped, those with
 * the weakest evidence first, since a server can invent any number of self-signed devices. If such a device comes back,
 * it is a new one.
 */
export function withRoom(pins: Pins, count: number, isLive: (deviceId: DeviceId) => boolean): Pins {
  const excess = pins.devices.size + count - MAX_PINNED_DEVICES_PER_USER;
  if (excess <= 0) return pins;
  const gone = Array.from(pins.devices.keys()).filter((deviceId) => !isLive(deviceId));
  const isStrong = (deviceId: DeviceId) => pins.evidence?.has(deviceId) === true;
  const dropped = new Set([...gone.filter((id) => !isStrong(id)), ...gone.filter(isStrong)].slice(0, excess));
  return makePins(withoutDevices(pins, dropped));
}

const withoutDevices = (pins: Pins, ids: ReadonlySet<DeviceId>): Pins => ({
  ...pins,
  devices: without(pins.devices, ids),
  signed: new Set(Array.from(pins.signed ?? []).filter((id) => !ids.has(id))),
  evidence: without(pins.evidence, ids),
  retired: without(pins.retired, ids),
});

/** Notes that other keys than the pinned ones were given, each once for each time that it is another. */
export function noteShown(pins: Pins, events: readonly KeyEvent[]): Pins {
  const isNew = (event: KeyEvent) => {
    const last = pins.history?.findLast(({ kind, deviceId }) => kind === event.kind && deviceId === event.deviceId);
    return last?.key !== event.key || last.type !== event.type;
  };
  // Others would not be kept anyway.
  const added = events.slice(-MAX_KEY_EVENTS_PER_USER).filter(isNew);
  return added.length === 0 ? pins : makePins({ ...pins, history: appendEvents(pins.history, added) });
}

/** Removes what is known only through our own identity. */
export function unverified(pins: Pins): Pins {
  const evidence = Array.from(pins.evidence ?? [], ([id, one]): [DeviceId, Evidence] => [
    id,
    one === "verified" ? "cross-signed" : one,
  ]);
  const masterEvidence = pins.masterEvidence === "verified" ? undefined : pins.masterEvidence;
  return makePins({ ...pins, evidence: new Map(evidence), masterEvidence });
}

/** Drops empty properties. */
export function makePins({
  devices,
  ...others
}: { readonly [Name in keyof Pins]: Pins[Name] | undefined } & Pick<Pins, "devices">): Pins {
  const entries = Object.entries(others).filter(([, value]) => !isEmpty(value));
  return { devices, ...(Object.fromEntries(entries) as Partial<Pins>) };
}

function isEmpty(value: unknown): boolean {
  if (value instanceof Map || value instanceof Set) return value.size === 0;
  return value === undefined || (Array.isArray(value) && value.length === 0);
}
