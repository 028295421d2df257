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
 * The keys that a user is known by, and what ties them to their owner. Only stronger evidence replaces one, so that a
 * homeserver cannot exchange a key that was compared or verified. One that was replaced is retired: only a person's
 * word brings it back.
 *
 * Pins are written from every response whose signatures were verified, cached or not. They remain when the device or
 * the list is deleted and when the user leaves, as long as there is {@link withRoom room}.
 */
export interface Pins {
  /**
   * The ed25519 key of each device ID, in the order in which they were first seen. A device has signed itself, or its
   * user's identity has, or a person has confirmed the key: what the server alone says pins nothing.
   */
  readonly devices: ReadonlyMap<DeviceId, string>;
  /** IDs of devices that have been signed by their pinned key. */
  readonly signed?: ReadonlySet<DeviceId>;
  /** What ties the pinned keys to their devices, if it is more than a signature by the key itself. */
  readonly evidence?: ReadonlyMap<DeviceId, Evidence>;
  /** Keys of devices that were replaced, the latest last. */
  readonly retired?: ReadonlyMap<DeviceId, readonly string[]>;
  /** The public key of the master key. */
  readonly masterKey?: string;
  /**
   * What ties it to the user: of our own user, `verified` means that a person has confirmed it. `seen` if it is absent.
   */
  readonly masterEvidence?: Evidence;
  readonly retiredMasterKeys?: readonly string[];
  /** Whether the user has been verified, which nobody has withdrawn. */
  readonly wasVerified?: true;
  /** Public keys of all cross-signing keys so far: a device with such an ID could pass for one of them. */
  readonly crossSigningKeys?: readonly string[];
  /** Devices that a person forgot last: what was asked or pinned before does not bring them back. */
  readonly forgotten?: ReadonlyMap<DeviceId, Forgotten>;
  /** Whether a person has withdrawn that the user was verified, and nothing has verified them since. */
  readonly withdrawn?: true;
  /**
   * Whether other keys may have been pinned before that are lost or cannot be read: an identity that agrees with these
   * pins is not known to be unchanged, until a person acknowledges it.
   */
  readonly incomplete?: true;
  readonly history?: readonly KeyEvent[];
}

/** When a person forgot a device. */
export interface Forgotten {
  /** In ms since the epoch. */
  readonly at: number;
  /** The number of the commit. */
  readonly commit: number;
}

export const NO_PINS: Pins = { devices: new Map() };
/** No pins can be read, although there may be some. */
export const LOST_PINS: Pins = { devices: new Map(), incomplete: true };

/** Whether these pins say nothing at all. */
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

/** The pins that follow from a list, in case the saved pins are lost. */
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

/** What ties the pinned key to the device. */
export const evidenceOf = ({ devices, evidence }: Pins, deviceId: DeviceId): Evidence =>
  evidence?.get(deviceId) ?? (devices.has(deviceId) ? "self-signed" : "seen");

/** The public keys that no device ID may equal: the pinned one as well, however many others were given since. */
export const crossSigningIds = ({ masterKey, crossSigningKeys = [] }: Pins): readonly DeviceId[] => [
  ...new Set([...(masterKey === undefined ? [] : [masterKey]), ...crossSigningKeys]),
];

/** The keys of both, each once; of too many, the last. */
export const union = (a: readonly string[] = [], b: readonly string[] = [], limit: number): readonly string[] =>
  [...new Set([...a, ...b])].slice(-limit);

/**
 * Pins this key for a device by a person's word. That another key has signed the device says nothing now. A later word
 * stays: this one may have waited for a store that failed.
 */
export function repin(pins: Pins, deviceId: DeviceId, key: string, at: number): Pins {
  if (hasEventAfter(pins, deviceId, at, WORDS)) return pins;
  const isPinned = pins.devices.get(deviceId) === key;
  if (isPinned && !isWeaker(evidenceOf(pins, deviceId), "acknowledged")) return pins;
  const event: KeyEvent = { type: "acknowledged", kind: "device", key, deviceId, at };
  return replaceKeys(pins, new Map([[deviceId, { key, evidence: "acknowledged", event }]]));
}

/** Another key for a device, and what ties it to the device. */
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

const WORDS: ReadonlySet<KeyEventType> = new Set(["acknowledged", "forgotten"]);
/** What may have come after a word that waited, and must not be undone by it. */
const NEWER: ReadonlySet<KeyEventType> = new Set([...WORDS, "first-seen", "accepted"]);

const hasEventAfter = (
  { history = [] }: Pins,
  deviceId: DeviceId,
  at: number,
  types: ReadonlySet<KeyEventType>,
): boolean => history.some((event) => event.deviceId === deviceId && event.at > at && types.has(event.type));

/** Whether another master key was pinned, or a person's word about it given, after this time. */
export const hasMasterKeySince = ({ history = [] }: Pins, at: number): boolean =>
  history.some((event) => event.kind === "master" && event.at > at && !isShownOnly(event));

const isShownOnly = ({ type }: KeyEvent): boolean => type === "shown" || type === "returned";

/** Whether the device that is pinned was seen, or a person's word about it given, after it was forgotten elsewhere. */
export const isSeenAgain = (pins: Pins, deviceId: DeviceId, { at }: Forgotten): boolean =>
  hasEventAfter(pins, deviceId, at, NEWER);

/**
 * Forgets a device by a person's word: the next one of this ID is a new one, whatever its key. One that has come since
 * stays: the word may have waited for a store that failed.
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
 * Pins a master key on this evidence, or none if the user has none; the former one is retired. What it had signed does
 * not count any more, and neither do the replacements that it had signed.
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

/** The pins without what only the identity says of devices; what a person said of them stays. */
export function withoutIdentity(pins: Pins): Pins {
  const isAcknowledged = ([deviceId]: readonly [DeviceId, unknown]) => evidenceOf(pins, deviceId) === "acknowledged";
  const acknowledged = <T>(map: ReadonlyMap<DeviceId, T> = new Map()) =>
    new Map(Array.from(map).filter(isAcknowledged));
  return makePins({ ...pins, evidence: acknowledged(pins.evidence), retired: acknowledged(pins.retired) });
}

/**
 * Pins this master key by a person's word, whether another was pinned or not, or is lost; `undefined` if the user has
 * none.
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
  // To acknowledge a key that is verified does not weaken it.
  const strongestEvidence = isPinned ? strongest(pins.masterEvidence, evidence) : evidence;
  const isSaid = masterKey === undefined || pins.masterEvidence === strongestEvidence;
  if (isPinned && isSaid && pins.incomplete === undefined) return pins;
  const event: KeyEvent = { type, kind: "master", key: masterKey ?? "", at };
  const repinned = replaceMasterKey(pins, masterKey, strongestEvidence, event);
  return makePins({ ...repinned, incomplete: undefined });
}

/**
 * Pins that have room for so many new devices: at the limit, the oldest pins of devices that are gone are dropped,
 * those with the weakest evidence first: a server can invent any number of devices that sign themselves. A device of
 * that ID that comes back is a new one.
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

/** Pins of which nothing is known through our own identity any more. */
export function unverified(pins: Pins): Pins {
  const evidence = Array.from(pins.evidence ?? [], ([id, one]): [DeviceId, Evidence] => [
    id,
    one === "verified" ? "cross-signed" : one,
  ]);
  const masterEvidence = pins.masterEvidence === "verified" ? undefined : pins.masterEvidence;
  return makePins({ ...pins, evidence: new Map(evidence), masterEvidence });
}

/** Pins without empty properties. */
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
