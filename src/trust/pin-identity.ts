import { MAX_CROSS_SIGNING_KEYS } from "../keys/limits.js";
import type { KeyEvent, KeyEventType } from "../model/key-event.js";
import type { DeviceList } from "./device-list.js";
import { isVerified, type Identity } from "./identity.js";
import { appendEvents } from "./key-history.js";
import type { PinContext } from "./pin-context.js";
import { makePins, noteShown, replaceMasterKey, repinMasterKey, type Pins } from "./pins.js";

export interface PinnedIdentity {
  readonly identity: Identity;
  readonly pins: Pins;
}

/**
 * Compares a list's master key with the pinned one, and pins it if there is none.
 *
 * 1. It is never refused: a person decides about a changed identity ("Key and signature security").
 * 2. Another master key replaces the pinned one only if our own confirmed identity has signed it: a person has verified
 *    it, perhaps on another of our devices. A replaced key does not come back in this way.
 * 3. Incomplete pins can show that an identity has changed, but never that it has not.
 * 4. A user that was verified stays marked until a person withdraws it: a server can withhold our signature.
 */
export function pinIdentity(
  verified: DeviceList,
  known: Pins,
  before: DeviceList | undefined,
  { isOwn = false, ourKey, ourKeys = [], ownMasterKey, isLate = false }: PinContext,
): PinnedIdentity {
  const { fetchedAt: at, identity: given } = verified;
  const { masterKey } = given;
  const isSignedByUs = !isOwn && ourKey !== undefined && given.signedBy.includes(ourKey);
  const isConfirmedByOption =
    isOwn && ownMasterKey !== undefined && (known.masterEvidence !== "verified" || known.incomplete === true);
  const confirmed = isConfirmedByOption ? repinMasterKey(known, ownMasterKey, "verified", at) : known;
  const pinned =
    isLate && isRetired(confirmed, masterKey) ? confirmed : pinMasterKey(confirmed, masterKey, isSignedByUs, at);
  const identity: Identity = {
    ...given,
    ...(pinned.masterKey !== undefined && { pinnedMasterKey: pinned.masterKey }),
    ...(pinned.incomplete !== undefined && { uncompared: true }),
    ...(isOwn && masterKey !== undefined && isConfirmed(pinned, masterKey) && { confirmed: true }),
  };
  const wasVerified =
    pinned.wasVerified === true ||
    isVerified(identity, ourKey) ||
    (before !== undefined && !isOwn && ourKeys.some((key) => isVerified(before.identity, key)));
  const pins = noteKeys(wasVerified ? marked(pinned) : pinned, verified);
  return { identity: wasVerified ? { ...identity, wasVerified } : identity, pins };
}

const isConfirmed = ({ masterKey, masterEvidence }: Pins, key: string): boolean =>
  masterKey === key && masterEvidence === "verified";

const marked = (pins: Pins): Pins =>
  pins.wasVerified === true ? pins : makePins({ ...pins, wasVerified: true, withdrawn: undefined });

/** True if this key was retired when a person acknowledged that the user has no identity. */
const isRetired = ({ masterKey, retiredMasterKeys }: Pins, key: string | undefined): boolean =>
  masterKey === undefined && key !== undefined && retiredMasterKeys?.includes(key) === true;

function pinMasterKey(pins: Pins, masterKey: string | undefined, isSignedByUs: boolean, at: number): Pins {
  if (masterKey === undefined) return pins;
  const event = (type: KeyEventType): KeyEvent => ({ type, kind: "master", key: masterKey, at });
  const { masterKey: pinned, masterEvidence, retiredMasterKeys = [], incomplete } = pins;
  const evidence = isSignedByUs ? "verified" : undefined;
  if (pinned === undefined) return replaceMasterKey(pins, masterKey, evidence ?? "seen", event("first-seen"));
  if (pinned === masterKey) {
    const isStronger = evidence !== undefined && masterEvidence !== evidence && incomplete === undefined;
    return isStronger ? makePins({ ...pins, masterEvidence: evidence }) : pins;
  }
  const isRetired = retiredMasterKeys.includes(masterKey);
  if (evidence !== undefined && !isRetired && incomplete === undefined)
    return replaceMasterKey(pins, masterKey, evidence, event("accepted"));
  return noteShown(pins, [event(isRetired ? "returned" : "shown")]);
}

/** Remembers the public keys of the cross-signing keys, and each new self-signing key. */
function noteKeys(pins: Pins, { masterKey, selfSigningKey, userSigningKey, fetchedAt: at }: DeviceList): Pins {
  // Anyone could have made keys of another master key, and any number of them.
  if (pins.masterKey === undefined || Object.values(masterKey?.keys ?? {})[0] !== pins.masterKey) return pins;
  const keys = [masterKey, selfSigningKey, userSigningKey].flatMap((key) => Object.values(key?.keys ?? {}));
  const known = pins.crossSigningKeys ?? [];
  const added = keys.filter((key) => !known.includes(key));
  const selfSigning = Object.values(selfSigningKey?.keys ?? {})[0];
  const last = pins.history?.findLast(({ kind }) => kind === "self-signing");
  const isNew = selfSigning !== undefined && last?.key !== selfSigning;
  if (added.length === 0 && !isNew) return pins;
  const type = last === undefined ? "first-seen" : known.includes(selfSigning ?? "") ? "returned" : "accepted";
  return makePins({
    ...pins,
    crossSigningKeys: [...known, ...added].slice(-MAX_CROSS_SIGNING_KEYS),
    history: isNew ? appendEvents(pins.history, [{ type, kind: "self-signing", key: selfSigning, at }]) : pins.history,
  });
}
