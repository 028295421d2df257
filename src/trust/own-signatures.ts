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
 * It does not decide whether one of these keys is our current user-signing key: that can change while the list stays
 * the same.
 * @param ourKeys user-signing keys that are known to be ours
 */
export function planOwnSignatures(
  masterKey: CrossSigningKey,
  ownUserId: UserId,
  known: DeviceList | undefined,
  checks: SignatureChecks,
  ourKeys: readonly string[] = [],
): (results: readonly boolean[]) => readonly string[] {
  const planned: { readonly publicKey: string; readonly valid: Outcome }[] = [];
  const signed = lazySignedBytes(masterKey);
  const given = Object.keys(own(masterKey.signatures ?? {}, ownUserId) ?? {}).map((keyId) =>
    keyId.startsWith("ed25519:") ? keyId.slice("ed25519:".length) : "",
  );
  const isKnown = known?.masterKey !== undefined && sameJson(known.masterKey, masterKey);
  const wasChecked = (key: string) => known?.identity.signedBy.includes(key) === true;
  if (isKnown && ourKeys.every((key) => !given.includes(key) || wasChecked(key))) return () => known.identity.signedBy;
  // Our known keys come first, so that bogus ones cannot hide them.
  for (const publicKey of new Set([...ourKeys.filter((key) => given.includes(key)), ...given])) {
    if (planned.length === MAX_MASTER_KEY_SIGNATURES) break;
    const bytes = decodeBase64(publicKey, 32);
    if (bytes === undefined) continue; // a device ID: signed by one of our devices
    const valid = checks.add(bytes, signed, signatureBy(masterKey.signatures, ownUserId, publicKey));
    planned.push({ publicKey, valid });
  }
  return (results) => planned.filter(({ valid }) => valid(results)).map(({ publicKey }) => publicKey);
}
