import type { IdentityStatus } from "../model/results.js";

/** What a list holds of its user's identity: what is made of it depends on our own identity, too, which may change while the list stays as it is. */
export interface Identity {
  /** The public key of the valid master key in the list. */
  readonly masterKey?: string;
  readonly pinnedMasterKey?: string;
  /** Keys that have signed it in our name. */
  readonly signedBy: readonly string[];
}

export const NO_IDENTITY: Identity = { signedBy: [] };

/** @param ourKey our user-signing key now, where we have one that can be relied on */
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

/** Our user-signing key, by our own list: not where the identity it belongs to has changed and nobody has acknowledged that. */
export function ownUserSigningKey(list: {
  readonly identity: Identity;
  readonly userSigningKey?: { readonly keys: Readonly<Record<string, string>> };
}): string | undefined {
  if (identityStatus(list.identity, undefined).state !== "unchanged" || list.userSigningKey === undefined)
    return undefined;
  return Object.values(list.userSigningKey.keys)[0];
}
