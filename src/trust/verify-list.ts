import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceStatus, RejectionReason } from "../model/results.js";
import type { CrossSigningKey, DeviceKeys } from "../model/wire.js";
import { signedBytes } from "../keys/canonical-json.js";
import { decodeBase64 } from "../keys/base64.js";
import { publicKeyOf, signatureBy, type PublicKey } from "./cross-signing-key.js";
import { deviceKey } from "../keys/device-key.js";
import { sameSigned, type AnsweredList, type DeviceList } from "./device-list.js";
import { own, sameJson } from "../keys/json.js";
import { MAX_MASTER_KEY_SIGNATURES, MAX_REJECTED_PER_USER, shortId } from "../keys/limits.js";
import type { SignatureCheck } from "./signature-verifier.js";
import { isStrictKey } from "../keys/strict-ed25519.js";

/** What becomes of devices that are not signed by themselves. */
export type UnsignedDevices = "accept" | "refuse";

/** A list once its signatures are known to hold or not, and what of it, apart from devices, was left out. */
export interface Verified {
  readonly list: DeviceList;
  readonly refusals: readonly { readonly path: string; readonly problem: string }[];
}

/** What must be verified of a list, and the list that follows. */
export interface Verification {
  readonly checks: readonly SignatureCheck[];
  /** @param holds the outcomes of {@link checks}, in their order */
  readonly conclude: (holds: readonly boolean[]) => Verified;
}

/** Whether something holds, once the outcomes of all checks are there. */
type Outcome = (holds: readonly boolean[]) => boolean;
const YES: Outcome = () => true;
const NO: Outcome = () => false;
const NO_BYTES = new Uint8Array();

/**
 * Plans the verification of one user's list: a list of signatures to check, and what to conclude.
 *
 * 1. The master key is what it says; the self-signing and the user-signing key are signed by it (Matrix spec, client-server API, "Cross-signing", "CrossSigningKey").
 * 2. A device that is signed in its own name is signed by its own ed25519 key (ibid., "Uploading keys").
 * 3. A device is cross-signed where the valid self-signing key has signed it.
 * 4. A device ID that is the public key of one of these keys is refused: both are named alike in signatures (ibid., "Key and signature security").
 *
 * What is the same in the list that is known has been verified before, and is not verified again.
 */
export function planVerification(
  answered: AnsweredList,
  userId: UserId,
  known: DeviceList | undefined,
  { ownUserId, unsignedDevices }: { readonly ownUserId: UserId; readonly unsignedDevices: UnsignedDevices },
): Verification {
  const checks: SignatureCheck[] = [];
  const check: Check = (publicKey, signed, text) => {
    const signature = text === undefined ? undefined : decodeBase64(text, 64);
    if (signature === undefined) return NO;
    const i = checks.push(new LazyCheck(publicKey, signed, signature)) - 1;
    return (holds) => holds[i] === true && signed() !== undefined;
  };

  const crossSigning = planCrossSigning(answered, userId, known, ownUserId, check);
  const { selfSigning } = crossSigning;
  const sameSelfSigningKey =
    known !== undefined &&
    known.identity.masterKey === crossSigning.master?.text &&
    sameJson(known.selfSigningKey, answered.selfSigningKey);
  const devices: {
    readonly deviceId: DeviceId;
    readonly device: DeviceKeys;
    readonly signedByItself: Outcome | undefined;
    readonly crossSigned: Outcome;
  }[] = [];
  const rejected = new Map<DeviceId, RejectionReason>(answered.rejected);
  const reject = (deviceId: DeviceId, reason: RejectionReason) => {
    if (rejected.size < MAX_REJECTED_PER_USER) rejected.set(shortId(deviceId), reason);
  };
  for (const [deviceId, device] of answered.deviceKeys) {
    const malformed = malformedKey(device, deviceId);
    const key = deviceKey(device, "ed25519");
    const ownSignature = key === undefined ? undefined : signatureBy(device.signatures, userId, deviceId);
    if (malformed !== undefined) reject(deviceId, malformed);
    else if (crossSigning.publicKeys.has(deviceId)) {
      reject(deviceId, {
        code: "cross-signing-id",
        detail: "device_id: it is the public key of one of the user's cross-signing keys",
      });
    } else if (ownSignature === undefined && unsignedDevices === "refuse") {
      reject(deviceId, { code: "unsigned", detail: `signatures: none in the name of ed25519:${shortId(deviceId)}` });
    } else {
      // One that was kept in the place of a refused one was verified with another list than this.
      const before = known?.rejected.has(shortId(deviceId)) === true ? undefined : known?.deviceKeys.get(deviceId);
      const status = before !== undefined && sameSigned(before, device) ? known?.deviceStatus.get(deviceId) : undefined;
      const signed = signedOnce(device);
      const byOwner =
        selfSigning === undefined ? undefined : signatureBy(device.signatures, userId, selfSigning.key.text);
      const checkOwn = () =>
        status?.signedByItself === true ? YES : check(decodeBase64(key ?? "", 32) ?? NO_BYTES, signed, ownSignature);
      const checkOwner = () => {
        if (selfSigning === undefined || byOwner === undefined) return NO;
        if (status !== undefined && sameSelfSigningKey) return status.crossSigned ? YES : NO;
        return check(selfSigning.key.bytes, signed, byOwner);
      };
      devices.push({
        deviceId,
        device,
        signedByItself: ownSignature === undefined ? undefined : checkOwn(),
        crossSigned: checkOwner(),
      });
    }
  }

  const conclude = (holds: readonly boolean[]): Verified => {
    const { keys, signedBy, refusals } = crossSigning.conclude(holds);
    const deviceKeys = new Map<DeviceId, DeviceKeys>();
    const deviceStatus = new Map<DeviceId, DeviceStatus>();
    for (const { deviceId, device, signedByItself, crossSigned } of devices) {
      if (signedByItself?.(holds) === false) {
        reject(deviceId, {
          code: "invalid-signature",
          detail: `signatures: the one in the name of ed25519:${shortId(deviceId)} does not hold`,
        });
        continue;
      }
      deviceKeys.set(deviceId, device);
      deviceStatus.set(deviceId, {
        signedByItself: signedByItself !== undefined,
        crossSigned: keys.selfSigningKey !== undefined && crossSigned(holds),
        dehydrated: device.dehydrated === true, // MSC3814, "Dehydrating a device"
      });
    }
    const { fetchedAt } = answered;
    const { master } = crossSigning;
    return {
      list: {
        deviceKeys,
        deviceStatus,
        rejected,
        ...keys,
        identity: { ...(master !== undefined && { masterKey: master.text }), signedBy },
        fetchedAt,
      },
      refusals,
    };
  };
  return { checks, conclude };
}

/** @param signed the bytes that were signed, `undefined` where there are none: asked for by whoever verifies, for a thousand of them take longer than a page may be held up */
type Check = (publicKey: Uint8Array, signed: () => Uint8Array | undefined, signature: string | undefined) => Outcome;

/** A check whose message is made when it is read. */
class LazyCheck implements SignatureCheck {
  readonly #signed: () => Uint8Array | undefined;

  constructor(
    readonly publicKey: Uint8Array,
    signed: () => Uint8Array | undefined,
    readonly signature: Uint8Array,
  ) {
    this.#signed = signed;
  }

  get message(): Uint8Array {
    return this.#signed() ?? NO_BYTES;
  }
}

/** Canonical JSON, made when it is first asked for. */
function signedOnce(object: Readonly<Record<string, unknown>>): () => Uint8Array | undefined {
  let made: { readonly bytes: Uint8Array | undefined } | undefined;
  return () => (made ??= { bytes: signedBytes(object) }).bytes;
}

type CrossSigningKeys = Pick<AnsweredList, "masterKey" | "selfSigningKey" | "userSigningKey">;

function planCrossSigning(
  answered: CrossSigningKeys,
  userId: UserId,
  known: DeviceList | undefined,
  ownUserId: UserId,
  check: Check,
) {
  const refusals: { path: string; problem: string }[] = [];
  const usable = (key: CrossSigningKey | undefined, path: string): PublicKey | undefined => {
    const read = key === undefined ? undefined : publicKeyOf(key);
    if (read === undefined || "text" in read) return read;
    refusals.push({ path, problem: read.problem });
    return undefined;
  };
  const master = usable(answered.masterKey, "master_keys");
  const signedByMaster = (name: "selfSigningKey" | "userSigningKey", path: string) => {
    const object = answered[name];
    const key = usable(object, path);
    if (object === undefined || key === undefined) return undefined;
    if (master === undefined) return { key, holds: NO };
    const verifiedBefore =
      known?.[name] !== undefined && known.identity.masterKey === master.text && sameJson(known[name], object);
    return {
      key,
      holds: verifiedBefore
        ? YES
        : check(master.bytes, signedOnce(object), signatureBy(object.signatures, userId, master.text)),
    };
  };
  const selfSigning = signedByMaster("selfSigningKey", "self_signing_keys");
  const userSigning = signedByMaster("userSigningKey", "user_signing_keys");
  const ours = planOurSignatures(
    answered.masterKey,
    master !== undefined && userId !== ownUserId,
    known,
    ownUserId,
    check,
  );

  const conclude = (holds: readonly boolean[]) => {
    const keys: { -readonly [K in keyof CrossSigningKeys]: CrossSigningKeys[K] } = {};
    const all = [...refusals];
    if (answered.masterKey !== undefined && master !== undefined) keys.masterKey = answered.masterKey;
    for (const [name, path, planned] of [
      ["selfSigningKey", "self_signing_keys", selfSigning],
      ["userSigningKey", "user_signing_keys", userSigning],
    ] as const) {
      if (planned === undefined) continue;
      if (!planned.holds(holds))
        all.push({ path, problem: "signatures: expected one by the user's master key that holds" });
      else if (answered[name] !== undefined) keys[name] = answered[name];
    }
    return { keys, signedBy: ours(holds), refusals: all };
  };
  const publicKeys = new Set(
    [master, selfSigning?.key, userSigning?.key].flatMap((key) => (key === undefined ? [] : [key.text])),
  );
  return { master, selfSigning, publicKeys, conclude };
}

/**
 * Which user-signing keys of ours have signed another user's master key, as far as the signatures themselves say. Which of them is ours now is not asked here: that
 * may change while the list stays as it is.
 */
function planOurSignatures(
  masterKey: CrossSigningKey | undefined,
  asked: boolean,
  known: DeviceList | undefined,
  ownUserId: UserId,
  check: Check,
): (holds: readonly boolean[]) => readonly string[] {
  if (masterKey === undefined || !asked) return () => [];
  if (known?.masterKey !== undefined && sameJson(known.masterKey, masterKey)) return () => known.identity.signedBy;
  const planned: { readonly text: string; readonly holds: Outcome }[] = [];
  const signed = signedOnce(masterKey);
  for (const keyId of Object.keys(own(masterKey.signatures ?? {}, ownUserId) ?? {})) {
    const text = keyId.startsWith("ed25519:") ? keyId.slice("ed25519:".length) : "";
    const bytes = decodeBase64(text, 32);
    if (bytes === undefined) continue; // no public key: one of our devices, by its ID
    if (planned.length < MAX_MASTER_KEY_SIGNATURES)
      planned.push({ text, holds: check(bytes, signed, signatureBy(masterKey.signatures, ownUserId, text)) });
  }
  return (holds) => planned.flatMap(({ text, holds: outcome }) => (outcome(holds) ? [text] : []));
}

/** Matrix spec, client-server API, "Key algorithms": both are unpadded base64 of 32 bytes. Keys of other algorithms are not ours to judge. */
function malformedKey(device: DeviceKeys, deviceId: DeviceId): RejectionReason | undefined {
  for (const algorithm of ["ed25519", "curve25519"] as const) {
    const text = deviceKey(device, algorithm);
    const bytes = text === undefined ? undefined : decodeBase64(text, 32);
    if (text === undefined || (bytes !== undefined && (algorithm === "curve25519" || isStrictKey(bytes)))) continue;
    return {
      code: "malformed",
      detail: `keys.${algorithm}:${shortId(deviceId)}: expected a public key, 32 bytes in unpadded base64`,
    };
  }
  return undefined;
}
