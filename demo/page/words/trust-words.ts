import type { IdentityStatus, LeftOutReason, RejectionCode } from "matrix-device-tracker";
import type { Shield } from "../people/shield.js";

/** What a shield says, in a word or two, and what that means. */
export const SHIELDS: Readonly<Record<Shield, { readonly word: string; readonly meaning: string }>> = {
  "cross-signed": {
    word: "signed by its owner",
    meaning: "Its owner’s identity has signed this device, and the device has signed itself.",
  },
  doubtful: {
    word: "signed by the changed identity",
    meaning: "The identity that signed this device is another one than before, and nobody has acknowledged that.",
  },
  "self-signed": {
    word: "signed by itself only",
    meaning: "The device has signed its own keys; nobody else says whose it is.",
  },
  unsigned: {
    word: "not signed at all",
    meaning:
      "Nobody has signed this device, not even itself. It is accepted by default; an option of the tracker refuses such devices.",
  },
  refused: { word: "refused", meaning: "It gets no messages." },
};

/** Why a device is refused, as a clause. */
export const REFUSALS: Readonly<Record<RejectionCode, string>> = {
  malformed: "it is no device as Matrix describes one",
  "user-id-mismatch": "it says that it is somebody else’s",
  "device-id-mismatch": "it says that it is another device",
  "too-large": "it is larger than any honest device",
  "too-many-devices": "its owner has too many devices",
  "invalid-signature": "it is signed in its own name, and the signature does not hold",
  unsigned: "it is not signed",
  "key-changed": "it has another key than before, and a device’s key never changes",
  "key-shared": "another device of the same person has the same key",
  "cross-signing-id": "its ID is the key of an identity, which signatures could then be mistaken for",
};

/** Why a device would not get a message, as a clause. */
export const LEFT_OUT: Readonly<Record<LeftOutReason, string>> = {
  "own-device": "it is the one that sends",
  rejected: "refused",
  "no-key": "it has no key to encrypt for",
  blocked: "blocked",
  "identity-changed": "its owner’s identity has changed, and nobody has acknowledged that",
  "not-cross-signed": "its owner has not signed it",
  dehydrated: "it only stands in for somebody who is logged out",
};

/** What the card of a person says of their identity. */
export type IdentityMark = "verified" | "seen" | "changed" | "removed" | "none";

export function identityMark({ state, verified }: IdentityStatus): IdentityMark {
  return state === "unchanged" ? (verified ? "verified" : "seen") : state;
}

export const IDENTITIES: Readonly<Record<IdentityMark, { readonly word: string; readonly meaning: string }>> = {
  verified: {
    word: "identity verified by you",
    meaning: "You have compared keys: your own identity has signed theirs.",
  },
  seen: {
    word: "identity as it was first seen",
    meaning: "The first identity seen is remembered, or the one that you acknowledged. You have not compared keys.",
  },
  changed: { word: "identity changed", meaning: "Another identity than the one remembered." },
  removed: { word: "identity removed", meaning: "There was an identity, and the server gives none now." },
  none: { word: "no identity", meaning: "Never set up: each device speaks for itself." },
};
