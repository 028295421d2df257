import { decodeBase64 } from "../keys/base64.js";
import { own } from "../keys/json.js";
import { isStrictKey } from "../keys/strict-ed25519.js";
import type { UserId } from "../model/ids.js";
import type { CrossSigningKey } from "../model/wire.js";

export interface PublicKey {
  /** Unpadded base64. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

/**
 * Returns the public key in a cross-signing key object, or what is wrong with it.
 *
 * Matrix spec, client-server API, "Cross-signing", "CrossSigningKey": `keys` has exactly one property,
 * `<algorithm>:<unpadded_base64_public_key>`, with that key as its value. The two must be equal: signatures refer to
 * the ID, so an ID with another key would let one identity sign as another.
 */
export function publicKeyOf({ keys }: CrossSigningKey): PublicKey | { readonly problem: string } {
  const entries = Object.entries(keys);
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1) return { problem: "keys: expected exactly one" };
  const [keyId, text] = entry;
  const bytes = decodeBase64(text, 32);
  if (bytes === undefined || !isStrictKey(bytes))
    return { problem: "keys: expected an ed25519 public key in unpadded base64" };
  return keyId === `ed25519:${text}` ? { text, bytes } : { problem: "keys: expected the public key as the key's ID" };
}

/** Returns the signature by this user and key, which can be any text; `undefined` if there is none. */
export function signatureBy(
  signatures: Readonly<Record<UserId, Readonly<Record<string, string>>>> | undefined,
  userId: UserId,
  keyId: string,
): string | undefined {
  const theirs = signatures === undefined ? undefined : own(signatures, userId);
  const signature =
    theirs === undefined ? undefined : own(theirs as Readonly<Record<string, unknown>>, `ed25519:${keyId}`);
  return typeof signature === "string" ? signature : undefined;
}

/** True if a text is an ed25519 public key in unpadded base64. */
export function isPublicKey(text: string): boolean {
  const bytes = decodeBase64(text, 32);
  return bytes !== undefined && isStrictKey(bytes);
}
