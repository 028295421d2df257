import type { KeyEvent, KeyEventType } from "../model/key-event.js";
import type { DeviceList } from "./device-list.js";
import { isVerified, type Identity } from "./identity.js";
import type { PinContext } from "./pin-context.js";
import { makePins, noteShown, replaceMasterKey, repinMasterKey, type Pins } from "./pins.js";

/** A list's identity as it compares with the pins, and the pins that follow from it. */
export interface PinnedIdentity {
  readonly identity: Identity;
  readonly pins: Pins;
}

/**
 * Compares a list's master key with the pinned one, and pins it if there is none.
 *
 * 1. It is never refused: a person decides about an identity that has changed ("Key and signature security").
 * 2. Another master key replaces the pinned one only if our own confirmed identity has signed it: then a person has
 *    verified it, perhaps on another of our devices. One that was replaced does not come back in this way.
 * 3. Incomplete pins can show that an identity is another one, and never that it is the same.
 * 4. A user who was verified stays marked until a person withdraws it: a server can withhold our signature.
 */
export function pinIdentity(
  verified: DeviceList,
  known: Pins,
  before: DeviceList | undefined,
  { isOwn = false, ourKey, ourKeys = [], ownMasterKey }: PinContext,
): PinnedIdentity {
  const { fetchedAt: at, identity: given } = verified;
  const { masterKey } = given;
  const isSignedByUs = !isOwn && ourKey !== undefined && given.signedBy.includes(ourKey);
  const isConfirmedByOption =
    isOwn && ownMasterKey !== undefined && (known.masterEvidence !== "verified" || known.incomplete === true);
  const confirmed = isConfirmedByOption ? repinMasterKey(known, ownMasterKey, "verified", at) : known;
  const pinned = pinMasterKey(confirmed, masterKey, isSignedByUs, at);
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
  return wasVerified ? { identity: { ...identity, wasVerified }, pins: marked(pinned) } : { identity, pins: pinned };
}

const isConfirmed = ({ masterKey, masterEvidence }: Pins, key: string): boolean =>
  masterKey === key && masterEvidence === "verified";

const marked = (pins: Pins): Pins => (pins.wasVerified === true ? pins : makePins({ ...pins, wasVerified: true }));

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
