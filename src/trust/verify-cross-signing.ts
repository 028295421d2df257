import { CROSS_SIGNING_KINDS, type CrossSigningKeys } from "../keys/cross-signing-keys.js";
import { sameJson } from "../keys/json.js";
import type { RefusedPart } from "../keys/unverified-list.js";
import type { UserId } from "../model/ids.js";
import { publicKeyOf, signatureBy, type PublicKey } from "./cross-signing-key.js";
import type { DeviceList } from "./device-list.js";
import { FAILS, HOLDS, lazySignedBytes, type Outcome, type SignatureChecks } from "./signature-checks.js";

type Name = keyof CrossSigningKeys;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface VerifiedCrossSigning {
  readonly keys: CrossSigningKeys;
  readonly refusals: readonly RefusedPart[];
}

export interface CrossSigningPlan {
  /** The public keys of the well-formed keys, valid or not. */
  readonly publicKeys: Readonly<Partial<Record<Name, PublicKey>>>;
  readonly conclude: (results: readonly boolean[]) => VerifiedCrossSigning;
}

/**
 * Plans the verification of a user's cross-signing keys: the master key must have signed the other two.
 *
 * Matrix spec, client-server API, "Cross-signing".
 */
export function planCrossSigning(
  given: CrossSigningKeys,
  userId: UserId,
  known: DeviceList | undefined,
  checks: SignatureChecks,
): CrossSigningPlan {
  const { publicKeys, malformed } = publicKeysOf(given);
  const { masterKey: master } = publicKeys;
  const planSignature = (name: Name): Outcome => {
    const key = given[name];
    if (master === undefined || key === undefined || publicKeys[name] === undefined) return FAILS;
    if (known?.identity.masterKey === master.text && sameJson(known[name], key)) return HOLDS;
    return checks.add(master.bytes, lazySignedBytes(key), signatureBy(key.signatures, userId, master.text));
  };
  const valid: Readonly<Record<Name, Outcome>> = {
    masterKey: HOLDS,
    selfSigningKey: planSignature("selfSigningKey"),
    userSigningKey: planSignature("userSigningKey"),
  };

  const conclude = (results: readonly boolean[]): VerifiedCrossSigning => {
    const keys: Mutable<CrossSigningKeys> = {};
    const refusals = [...malformed];
    for (const { name, section } of CROSS_SIGNING_KINDS) {
      const key = given[name];
      if (key === undefined || publicKeys[name] === undefined) continue;
      if (valid[name](results)) keys[name] = key;
      else refusals.push({ path: section, problem: "signatures: expected a valid one by the user's master key" });
    }
    return { keys, refusals };
  };
  return { publicKeys, conclude };
}

function publicKeysOf(given: CrossSigningKeys) {
  const publicKeys: Mutable<CrossSigningPlan["publicKeys"]> = {};
  const malformed: RefusedPart[] = [];
  for (const { name, section } of CROSS_SIGNING_KINDS) {
    const key = given[name];
    if (key === undefined) continue;
    const read = publicKeyOf(key);
    if ("text" in read) publicKeys[name] = read;
    else malformed.push({ path: section, problem: read.problem });
  }
  return { publicKeys, malformed };
}
