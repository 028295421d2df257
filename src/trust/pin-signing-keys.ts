import { MAX_CROSS_SIGNING_KEYS, shortId } from "../keys/limits.js";
import type { DeviceId } from "../model/ids.js";
import type { KeyEvent } from "../model/key-event.js";
import type { RejectionReason } from "../model/results.js";
import type { DeviceList } from "./device-list.js";
import { makePins, noteShown, union, type Pins } from "./pins.js";

const KINDS = ["selfSigningKey", "userSigningKey"] as const;

/** A list without the signing keys that do not count, and the pins that follow from the others. */
export interface PinnedSigningKeys {
  readonly list: DeviceList;
  readonly pins: Pins;
}

/**
 * Compares the keys that a master key has signed with those that counted last.
 *
 * A new one replaces the former, since the identity itself says so. A former one that is given again signs nothing: its
 * owner replaced it, perhaps because it was stolen. Keys of another master key than the pinned one anyone could have
 * made, in any number: they are not remembered.
 */
export function pinSigningKeys(verified: DeviceList, known: Pins, refusesUnsigned: boolean): PinnedSigningKeys {
  const master = publicKeyIn(verified, "masterKey");
  if (master === undefined || master !== known.masterKey) return { list: verified, pins: known };
  const given = KINDS.flatMap((kind) => {
    const key = publicKeyIn(verified, kind);
    return key === undefined ? [] : [{ kind, key }];
  });
  const isFormer = ({ kind, key }: (typeof given)[number]) =>
    known[kind] !== undefined && known[kind] !== key && known.crossSigningKeys?.includes(key) === true;
  const former = given.filter(isFormer);
  const pinned = given.filter((one) => !isFormer(one));
  const list = former.reduce((rest, { kind }) => withoutKey(rest, kind, refusesUnsigned), verified);
  return { list, pins: noteReturned(pinKeys(known, pinned, master, verified.fetchedAt), former, verified.fetchedAt) };
}

const publicKeyIn = (list: DeviceList, name: "masterKey" | (typeof KINDS)[number]): string | undefined =>
  Object.values(list[name]?.keys ?? {})[0];

interface SigningKey {
  readonly kind: (typeof KINDS)[number];
  readonly key: string;
}

function pinKeys(known: Pins, given: readonly SigningKey[], master: string, at: number): Pins {
  const keys = [master, ...given.map(({ key }) => key)];
  const isKnown = keys.every((key) => known.crossSigningKeys?.includes(key) === true);
  const changed = given.filter(({ kind, key }) => known[kind] !== key);
  const pins = isKnown
    ? known
    : makePins({ ...known, crossSigningKeys: union(known.crossSigningKeys, keys, MAX_CROSS_SIGNING_KEYS) });
  if (changed.length === 0) return pins;
  const events = changed.flatMap(({ kind, key }): KeyEvent[] => {
    if (kind !== "selfSigningKey") return [];
    return [{ type: known[kind] === undefined ? "first-seen" : "accepted", kind: "self-signing", key, at }];
  });
  return noteShown({ ...pins, ...Object.fromEntries(changed.map(({ kind, key }) => [kind, key])) }, events);
}

/** As long as a former key is given, a person may say that it counts again. */
function noteReturned(pins: Pins, former: readonly SigningKey[], at: number): Pins {
  const hasReturned = former.length > 0;
  const marked =
    (pins.hasReturned === true) === hasReturned ? pins : makePins({ ...pins, hasReturned: hasReturned || undefined });
  const isSelfSigning = ({ kind }: SigningKey) => kind === "selfSigningKey";
  const event = ({ key }: SigningKey): KeyEvent => ({ type: "returned", kind: "self-signing", key, at });
  return noteShown(marked, former.filter(isSelfSigning).map(event));
}

/** The list as if this key had not been given. */
function withoutKey(list: DeviceList, kind: SigningKey["kind"], refusesUnsigned: boolean): DeviceList {
  const { [kind]: _, ...rest } = list;
  return kind === "selfSigningKey" ? withoutOwnersSignatures(rest, refusesUnsigned) : rest;
}

function withoutOwnersSignatures(list: DeviceList, refusesUnsigned: boolean): DeviceList {
  const deviceKeys = new Map(list.deviceKeys);
  const deviceStatus = new Map(list.deviceStatus);
  const rejected = new Map<DeviceId, RejectionReason>(list.rejected);
  for (const [deviceId, status] of list.deviceStatus) {
    if (!status.crossSigned) continue;
    deviceStatus.set(deviceId, { ...status, crossSigned: false });
    if (!refusesUnsigned || status.signedByItself) continue;
    deviceKeys.delete(deviceId);
    deviceStatus.delete(deviceId);
    const detail = "signatures: only one by a self-signing key that was replaced";
    rejected.set(shortId(deviceId), { code: "unsigned", detail });
  }
  return { ...list, deviceKeys, deviceStatus, rejected };
}
