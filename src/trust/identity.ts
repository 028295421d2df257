import type { IdentityStatus } from "../model/results.js";

/**
 * What a list holds of its user's identity. Its status depends on our own identity, too, which can change while the
 * list stays the same.
 */
export interface Identity {
  /** The public key of the valid master key in the list. */
  readonly masterKey?: string;
  readonly pinnedMasterKey?: string;
  /** Public keys that have signed the master key in our own user's name. */
  readonly signedBy: readonly string[];
}

export const NO_IDENTITY: Identity = { signedBy: [] };

/** @param ourKey our current user-signing key; `undefined` if there is none that can be relied on */
export function identityStatus(
  { masterKey, pinnedMasterKey, signedBy }: Identity,
  ourKey: string | undefined,
): IdentityStatus {
  const state = identityState(masterKey, pinnedMasterKey);
  return {
    state,
    ...(masterKey !== undefined && { masterKey }),
    ...(pinnedMasterKey !== undefined && { pinnedMasterKey }),
    verified: state === "unchanged" && ourKey !== undefined && signedBy.includes(ourKey),
  };
}

function identityState(masterKey: string | undefined, pinnedMasterKey: string | undefined): IdentityStatus["state"] {
  if (masterKey === undefined) return pinnedMasterKey === undefined ? "none" : "removed";
  return masterKey === pinnedMasterKey || pinnedMasterKey === undefined ? "unchanged" : "changed";
}

/**
 * Our user-signing key, according to our own list; `undefined` if our identity has changed and was not acknowledged.
 */
export function ownUserSigningKey(list: {
  readonly identity: Identity;
  readonly userSigningKey?: { readonly keys: Readonly<Record<string, string>> };
}): string | undefined {
  if (identityStatus(list.identity, undefined).state !== "unchanged" || list.userSigningKey === undefined)
    return undefined;
  return Object.values(list.userSigningKey.keys)[0];
}
