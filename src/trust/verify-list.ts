import { sameJson } from "../keys/json.js";
import type { RefusedPart, UnverifiedList } from "../keys/unverified-list.js";
import type { UserId } from "../model/ids.js";
import type { DeviceList } from "./device-list.js";
import { planOwnSignatures } from "./own-signatures.js";
import { SignatureChecks } from "./signature-checks.js";
import type { SignatureCheck } from "./signature-verifier.js";
import { planCrossSigning } from "./verify-cross-signing.js";
import { planDevices } from "./verify-devices.js";

/** Whether devices that are not signed by themselves are accepted. */
export type UnsignedDevices = "accept" | "refuse";

export interface VerificationContext {
  readonly ownUserId: UserId;
  readonly unsignedDevices: UnsignedDevices;
  /** User-signing keys that are, or may be, ours. */
  readonly ourKeys?: readonly string[];
}

/** A verified list, and the refused parts other than devices. */
export interface Verified {
  readonly list: DeviceList;
  readonly refusals: readonly RefusedPart[];
}

export interface Verification {
  readonly checks: readonly SignatureCheck[];
  /** @param results the results of {@link checks}, in their order */
  readonly conclude: (results: readonly boolean[]) => Verified;
}

/**
 * Plans the verification of one user's list: which signatures to check, and what follows from the results.
 *
 * 1. The self-signing and the user-signing key must be signed by the master key (Matrix spec, client-server API,
 *    "Cross-signing", "CrossSigningKey").
 * 2. A device with a signature in its own name must be signed by its own ed25519 key (ibid., "Uploading keys").
 * 3. A device is cross-signed if the valid self-signing key has signed it.
 * 4. A device whose ID is the public key of one of these keys is refused: signatures could not tell the two apart
 *    (ibid., "Key and signature security").
 *
 * Parts that equal those of the known list are not verified again.
 */
export function planVerification(
  given: UnverifiedList,
  userId: UserId,
  known: DeviceList | undefined,
  { ownUserId, unsignedDevices, ourKeys = [] }: VerificationContext,
): Verification {
  const checks = new SignatureChecks();
  const crossSigning = planCrossSigning(given, userId, known, checks);
  const { masterKey: master, selfSigningKey: selfSigning } = crossSigning.publicKeys;
  const signedBy =
    given.masterKey === undefined || master === undefined || userId === ownUserId
      ? () => []
      : planOwnSignatures(given.masterKey, ownUserId, known, checks, ourKeys);
  const devices = planDevices(given, {
    userId,
    known,
    selfSigning,
    sameSelfSigningKey:
      known?.selfSigningKey !== undefined &&
      known.identity.masterKey === master?.text &&
      sameJson(known.selfSigningKey.keys, given.selfSigningKey?.keys),
    crossSigningIds: new Set(Object.values(crossSigning.publicKeys).map(({ text }) => text)),
    refusesUnsigned: unsignedDevices === "refuse",
    checks,
  });

  const conclude = (results: readonly boolean[]): Verified => {
    const { keys, refusals } = crossSigning.conclude(results);
    const identity = { ...(master !== undefined && { masterKey: master.text }), signedBy: signedBy(results) };
    const { fetchedAt } = given;
    return {
      list: { ...devices(results, keys.selfSigningKey !== undefined), ...keys, identity, fetchedAt },
      refusals,
    };
  };
  return { checks: checks.all, conclude };
}
