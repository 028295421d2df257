import type { Freshness, IdentityStatus, LeftOutReason } from "matrix-device-tracker";
import type { Segment } from "./output.js";

/** Why a device gets no message. */
export const LEFT_OUT: Readonly<Record<LeftOutReason, string>> = {
  "own-device": "it is the sending device",
  "key-changed": "it has another key than before",
  rejected: "refused",
  "no-key": "it has no key to encrypt for",
  "no-olm": "it does not support Olm",
  blocked: "blocked",
  "identity-unknown": "its owner's identity cannot be compared with the one seen before",
  "identity-changed": "its owner's identity has changed",
  "identity-removed": "its owner's identity was removed",
  "verification-violated": "its owner was verified once, and is not any more",
  unsigned: "it has no signature, not even its own",
  "not-cross-signed": "its owner has not signed it",
  dehydrated: "it only stands in for a user who is logged out",
};

const IDENTITIES: Readonly<Record<IdentityStatus["state"], Segment>> = {
  none: ["yellow", "no identity"],
  unchanged: "an identity",
  changed: ["red", "the identity has changed"],
  removed: ["red", "the identity was removed"],
  unknown: ["yellow", "the identity cannot be compared with the one seen before"],
};

export function identityWords({ state, verified, wasVerified }: IdentityStatus): Segment {
  if (state !== "unchanged") return IDENTITIES[state];
  if (verified) return ["green", "a verified identity"];
  return wasVerified ? ["red", "not verified any more"] : IDENTITIES.unchanged;
}

/** Returns what makes a list unreliable; `undefined` if it is as new as can be. */
export const doubt = (freshness: Freshness): string | undefined =>
  freshness === "unreachable" ? "their homeserver cannot be reached, this is the last known list" : undefined;

export const count = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;
