import { decodeBase64 } from "../keys/base64.js";
import { own, sameJson } from "../keys/json.js";
import { MAX_MASTER_KEY_SIGNATURES } from "../keys/limits.js";
import type { UserId } from "../model/ids.js";
import type { CrossSigningKey } from "../model/wire.js";
import { signatureBy } from "./cross-signing-key.js";
import type { DeviceList } from "./device-list.js";
import { lazySignedBytes, type Outcome, type SignatureChecks } from "./signature-checks.js";

/**
 * Plans the verification of our own user's signatures on another user's master key. The result is the public keys of
 * the valid signatures.
 *
 * Whether one of these keys is our current user-signing key is not decided here: that can change while the list stays
 * the same.
 */
export function planOwnSignatures(
  masterKey: CrossSigningKey,
  ownUserId: UserId,
  known: DeviceList | undefined,
  checks: SignatureChecks,
): (results: readonly boolean[]) => readonly string[] {
  if (known?.masterKey !== undefined && sameJson(known.masterKey, masterKey)) return () => known.identity.signedBy;
  const planned: { readonly publicKey: string; readonly valid: Outcome }[] = [];
  const signed = lazySignedBytes(masterKey);
  for (const keyId of Object.keys(own(masterKey.signatures ?? {}, ownUserId) ?? {})) {
    if (planned.length === MAX_MASTER_KEY_SIGNATURES) break;
    const publicKey = keyId.startsWith("ed25519:") ? keyId.slice("ed25519:".length) : "";
    const bytes = decodeBase64(publicKey, 32);
    if (bytes === undefined) continue; // a device ID: a signature by one of our devices
    const valid = checks.add(bytes, signed, signatureBy(masterKey.signatures, ownUserId, publicKey));
    planned.push({ publicKey, valid });
  }
  return (results) => planned.filter(({ valid }) => valid(results)).map(({ publicKey }) => publicKey);
}
