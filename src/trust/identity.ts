import type { DeviceId } from "../model/ids.js";
import type { IdentityStatus } from "../model/results.js";

/**
 * What a list contains of its user's identity. The status also depends on our own identity, which can change while the
 * list stays the same.
 */
export interface Identity {
  /** The public key of the valid master key in the list. */
  readonly masterKey?: string;
  readonly pinnedMasterKey?: string;
  /** True if the pins were incomplete: another master key may have been seen before the pinned one. */
  readonly uncompared?: true;
  /** Public keys that have signed the master key in our own user's name. */
  readonly signedBy: readonly string[];
  /** True if a person has confirmed that this is our own identity, and the pinned master key is in the list. */
  readonly confirmed?: true;
  readonly wasVerified?: true;
  /** IDs of refused devices that are the public key of a cross-signing key. */
  readonly collisions?: readonly DeviceId[];
}

export const NO_IDENTITY: Identity = { signedBy: [] };
/** The identity of a user without a known list. */
export const UNKNOWN_IDENTITY: Identity = { uncompared: true, signedBy: [] };

/** Returns what the list itself says of the identity, without what follows from the pins. */
export const unpinned = ({ masterKey, signedBy }: Identity): Identity => ({
  ...(masterKey !== undefined && { masterKey }),
  signedBy,
});

export function identityStatus(identity: Identity, ourKey: string | undefined): IdentityStatus {
  const { masterKey, pinnedMasterKey, wasVerified = false, collisions = [] } = identity;
  const verified = isVerified(identity, ourKey);
  return {
    state: identityState(identity),
    ...(masterKey !== undefined && { masterKey }),
    ...(pinnedMasterKey !== undefined && { pinnedMasterKey }),
    verified,
    wasVerified: wasVerified || verified,
    ...(wasVerified && ourKey === undefined && { unjudged: true }),
    collisions,
  };
}

/** True if our own user-signing key has signed the pinned master key. */
export const isVerified = (identity: Identity, ourKey: string | undefined): boolean =>
  identityState(identity) === "unchanged" && ourKey !== undefined && identity.signedBy.includes(ourKey);

/** Incomplete pins can show that an identity has changed, but never that it has not. */
export function identityState({ masterKey, pinnedMasterKey, uncompared }: Identity): IdentityStatus["state"] {
  if (pinnedMasterKey !== undefined && masterKey !== pinnedMasterKey)
    return masterKey === undefined ? "removed" : "changed";
  if (uncompared === true) return "unknown";
  return masterKey === undefined ? "none" : "unchanged";
}

/**
 * Returns the identity after a person has pinned this master key, or none.
 * @param confirms true if it is our own, and confirmed
 */
export function acknowledged(
  { uncompared: _, confirmed, pinnedMasterKey, ...identity }: Identity,
  masterKey: string | undefined,
  confirms: boolean,
): Identity {
  if (masterKey === undefined) return identity;
  const isGiven = identity.masterKey === masterKey;
  const isConfirmed = confirms || (confirmed === true && pinnedMasterKey === masterKey);
  return { ...identity, pinnedMasterKey: masterKey, ...(isConfirmed && isGiven && { confirmed: true }) };
}

/**
 * Returns our user-signing key from our own list; `undefined` if no person has confirmed that the identity in it is
 * ours: a server can invent one.
 */
export function ownUserSigningKey(list: {
  readonly identity: Identity;
  readonly userSigningKey?: { readonly keys: Readonly<Record<string, string>> };
}): string | undefined {
  if (list.identity.confirmed !== true || identityState(list.identity) !== "unchanged") return undefined;
  if (list.userSigningKey === undefined) return undefined;
  return Object.values(list.userSigningKey.keys)[0];
}
