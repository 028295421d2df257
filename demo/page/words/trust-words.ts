import type { IdentityStatus, LeftOutReason, RejectionCode } from "matrix-device-tracker";
import type { Shield } from "../people/shield.js";

/** What a shield says, in a few words, and what that means. */
export const SHIELDS: Readonly<Record<Shield, { readonly word: string; readonly meaning: string }>> = {
  "cross-signed": {
    word: "signed by its owner",
    meaning: "The device is signed by itself and by its owner’s identity.",
  },
  doubtful: {
    word: "signed by the changed identity",
    meaning: "The identity that signed this device has changed, and the change has not been acknowledged.",
  },
  "self-signed": {
    word: "signed by itself only",
    meaning: "The device has signed its own keys. No other signature says whose device it is.",
  },
  unsigned: {
    word: "not signed at all",
    meaning:
      "The device has no signature, not even its own. It is listed, but gets no messages by default; an option of the tracker refuses such devices.",
  },
  refused: { word: "refused", meaning: "It gets no messages." },
};

/** Why a device is refused, as a clause. */
export const REFUSALS: Readonly<Record<RejectionCode, string>> = {
  malformed: "it is not a valid Matrix device",
  "user-id-mismatch": "it names another user as its owner",
  "device-id-mismatch": "it has another device ID",
  "too-large": "it is larger than any honest device",
  "too-many-devices": "its owner has too many devices",
  "invalid-signature": "its own signature is invalid",
  unsigned: "it is not signed",
  "key-changed": "it has another key than before, and nothing proves that its owner made the change",
  "key-shared": "another device of the same user has the same key",
  "cross-signing-id": "its ID is the key of an identity, so signatures of one could pass for the other",
};

/** Why a device would not get a message, as a clause. */
export const LEFT_OUT: Readonly<Record<LeftOutReason, string>> = {
  "own-device": "it is the sending device",
  "key-changed": "it has another key than before, so it gets nothing under either key",
  rejected: "refused",
  "no-key": "it has no key to encrypt for",
  "no-olm": "it cannot receive keys: it does not support Olm",
  blocked: "blocked",
  "identity-unknown": "its owner’s identity cannot be compared with the one seen before",
  "identity-changed": "its owner’s identity has changed, and the change has not been acknowledged",
  "identity-removed": "its owner’s identity was removed",
  "verification-violated": "its owner was verified once, and is not any more",
  unsigned: "it has no signature, not even its own",
  "not-cross-signed": "its owner has not signed it",
  dehydrated: "it only stands in for a user who is logged out",
};

/** What a card says about its user's identity. */
export type IdentityMark =
  | "verified"
  | "violated"
  | "unjudged"
  | "seen"
  | "changed"
  | "removed"
  | "unknown"
  | "none"
  /** Only our own: whether a person has confirmed it. */
  | "confirmed"
  | "unconfirmed";

export function identityMark({ state, verified, wasVerified, unjudged }: IdentityStatus): IdentityMark {
  if (state !== "unchanged") return state;
  if (verified) return "verified";
  if (!wasVerified) return "seen";
  return unjudged === true ? "unjudged" : "violated";
}

export const IDENTITIES: Readonly<Record<IdentityMark, { readonly word: string; readonly meaning: string }>> = {
  verified: {
    word: "identity verified by you",
    meaning: "You have compared keys: your own identity, which you have confirmed, has signed theirs.",
  },
  violated: {
    word: "not verified any more",
    meaning: "You had verified this user. Either the identity is another one, or the server withholds your signature.",
  },
  unjudged: {
    word: "verified before",
    meaning:
      "The server does not return your own identity as you confirmed it, so nothing shows whether this is still so.",
  },
  seen: {
    word: "identity unchanged",
    meaning:
      "It is the identity seen first, or the one that you acknowledged. It counts as compared only once your own confirmed identity has signed it.",
  },
  changed: { word: "identity changed", meaning: "It is not the identity seen first." },
  removed: { word: "identity removed", meaning: "There was an identity, and the server no longer returns one." },
  unknown: {
    word: "identity not compared",
    meaning: "What was seen before is lost or cannot be read, so nothing shows whether it is the same identity.",
  },
  none: { word: "no identity", meaning: "Cross-signing was never set up: each device has only its own signature." },
  confirmed: { word: "your own identity, confirmed", meaning: "Users whom it has signed are verified." },
  unconfirmed: {
    word: "is this your identity?",
    meaning: "A server can invent an identity in your name, so it counts only once you have confirmed it.",
  },
};
