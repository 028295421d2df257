import { decodeBase64 } from "../keys/base64.js";
import { deviceKey } from "../keys/device-key.js";
import { sameJson } from "../keys/json.js";
import { shortId } from "../keys/limits.js";
import { reject } from "../keys/reject.js";
import { isStrictCurve25519Key } from "../keys/strict-curve25519.js";
import { isStrictKey } from "../keys/strict-ed25519.js";
import type { UnverifiedList } from "../keys/unverified-list.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceStatus, RejectionReason } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { signatureBy, type PublicKey } from "./cross-signing-key.js";
import { sameContent, type DeviceList } from "./device-list.js";
import { FAILS, HOLDS, lazySignedBytes, type Outcome, type SignatureChecks } from "./signature-checks.js";

export interface DeviceContext {
  readonly userId: UserId;
  /** The last verified list. */
  readonly known: DeviceList | undefined;
  /** The user's self-signing key, valid or not. */
  readonly selfSigning: PublicKey | undefined;
  /** True if {@link known} was verified with the same self-signing key, and that was valid. */
  readonly sameSelfSigningKey: boolean;
  /** The public keys of the user's cross-signing keys. */
  readonly crossSigningIds: ReadonlySet<string>;
  readonly refusesUnsigned: boolean;
  readonly checks: SignatureChecks;
}

export type VerifiedDevices = Pick<DeviceList, "deviceKeys" | "deviceStatus" | "rejected">;

interface PlannedDevice {
  readonly device: DeviceKeys;
  /** True if its ed25519 key differs from that in the known list. */
  readonly isRekeyed: boolean;
  /** `undefined` if the device has no signature by itself. */
  readonly signedByItself: Outcome | undefined;
  readonly signedByOwner: Outcome;
}

/**
 * Plans the verification of a user's devices.
 *
 * @returns a function from the results of the checks to the verified devices
 */
export function planDevices(
  { deviceKeys, rejected: malformed }: UnverifiedList,
  context: DeviceContext,
): (results: readonly boolean[], selfSigningKeyIsValid: boolean) => VerifiedDevices {
  const refused = new Map(malformed);
  const planned = new Map<DeviceId, PlannedDevice>();
  let algorithms: string[] = [];
  for (const [deviceId, device] of deviceKeys) {
    const reason = refusalBeforeVerifying(deviceId, device, context);
    // Devices share equal values, which `JSON.parse` repeats: they would be a tenth of the devices' memory.
    if (!sameJson(algorithms, device.algorithms)) algorithms = device.algorithms;
    const sharing = { ...device, algorithms, user_id: context.userId };
    if (reason === undefined) planned.set(deviceId, planDevice(deviceId, sharing, context));
    else reject(refused, deviceId, reason);
  }
  const { refusesUnsigned } = context;
  return (results, selfSigningKeyIsValid) =>
    conclude({ planned, refused, refusesUnsigned }, results, selfSigningKeyIsValid);
}

interface PlannedDevices {
  readonly planned: ReadonlyMap<DeviceId, PlannedDevice>;
  readonly refused: ReadonlyMap<DeviceId, RejectionReason>;
  readonly refusesUnsigned: boolean;
}

function conclude(
  { planned, refused, refusesUnsigned }: PlannedDevices,
  results: readonly boolean[],
  selfSigningKeyIsValid: boolean,
): VerifiedDevices {
  const deviceKeys = new Map<DeviceId, DeviceKeys>();
  const deviceStatus = new Map<DeviceId, DeviceStatus>();
  const rejected = new Map(refused);
  for (const [deviceId, { device, isRekeyed, signedByItself, signedByOwner }] of planned) {
    if (signedByItself?.(results) === false) {
      const detail = `signatures: the one by ed25519:${shortId(deviceId)} is invalid`;
      reject(rejected, deviceId, { code: isRekeyed ? "key-changed" : "invalid-signature", detail });
      continue;
    }
    const crossSigned = selfSigningKeyIsValid && signedByOwner(results);
    if (refusesUnsigned && signedByItself === undefined && !crossSigned) {
      reject(rejected, deviceId, unsigned(deviceId));
      continue;
    }
    deviceKeys.set(deviceId, device);
    deviceStatus.set(deviceId, statusOf(signedByItself !== undefined, crossSigned, isDehydrated(device)));
  }
  return { deviceKeys, deviceStatus, rejected: rejected.size === 0 ? NONE_REJECTED : rejected };
}

/** Most lists have none, and share this map. */
const NONE_REJECTED: VerifiedDevices["rejected"] = new Map();

/** MSC3814, "Dehydrating a device". */
const isDehydrated = (device: DeviceKeys): boolean => device.dehydrated === true;

/** All possible statuses, shared by devices: there may be a hundred thousand of them. */
const STATUSES: readonly DeviceStatus[] = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
  Object.freeze({ signedByItself: (bits & 1) !== 0, crossSigned: (bits & 2) !== 0, dehydrated: (bits & 4) !== 0 }),
);

function statusOf(signedByItself: boolean, crossSigned: boolean, dehydrated: boolean): DeviceStatus {
  const status = STATUSES.find(
    (one) => one.signedByItself === signedByItself && one.crossSigned === crossSigned && one.dehydrated === dehydrated,
  );
  return status ?? { signedByItself, crossSigned, dehydrated };
}

function planDevice(deviceId: DeviceId, device: DeviceKeys, context: DeviceContext): PlannedDevice {
  const { userId, selfSigning, sameSelfSigningKey, checks } = context;
  const before = verifiedBefore(deviceId, device, context.known);
  // A server may add other users' signatures to a device, so only the relevant one is compared.
  const isKnown = (keyId: string, signature: string) =>
    before !== undefined && signatureBy(before.device.signatures, userId, keyId) === signature;
  const signed = lazySignedBytes(device);
  const own = ownSignature(deviceId, device, userId);
  const planOwn = ({ key, signature }: OwnSignature) =>
    before?.status.signedByItself === true && isKnown(deviceId, signature) ? HOLDS : checks.add(key, signed, signature);
  const planOwner = () => {
    const signature = selfSigning && signatureBy(device.signatures, userId, selfSigning.text);
    if (selfSigning === undefined || signature === undefined) return FAILS;
    if (sameSelfSigningKey && isKnown(selfSigning.text, signature)) return before?.status.crossSigned ? HOLDS : FAILS;
    return checks.add(selfSigning.bytes, signed, signature);
  };
  const former = context.known?.deviceKeys.get(deviceId);
  const isRekeyed = former !== undefined && deviceKey(former, "ed25519") !== deviceKey(device, "ed25519");
  return { device, isRekeyed, signedByItself: own && planOwn(own), signedByOwner: planOwner() };
}

interface VerifiedBefore {
  readonly device: DeviceKeys;
  readonly status: DeviceStatus;
}

/** Returns the device in the known list, with its status, if it has the same signed content. */
function verifiedBefore(
  deviceId: DeviceId,
  device: DeviceKeys,
  known: DeviceList | undefined,
): VerifiedBefore | undefined {
  // A device that was kept in place of a refused one was verified with an older list than this.
  if (known === undefined || known.rejected.has(shortId(deviceId))) return undefined;
  const before = known.deviceKeys.get(deviceId);
  const status = known.deviceStatus.get(deviceId);
  if (before === undefined || status === undefined || !sameContent(before, device)) return undefined;
  return { device: before, status };
}

interface OwnSignature {
  readonly key: Uint8Array;
  readonly signature: string;
}

function ownSignature(deviceId: DeviceId, device: DeviceKeys, userId: UserId): OwnSignature | undefined {
  const key = decodeBase64(deviceKey(device, "ed25519") ?? "", 32);
  const signature = signatureBy(device.signatures, userId, deviceId);
  return key === undefined || signature === undefined ? undefined : { key, signature };
}

function refusalBeforeVerifying(
  deviceId: DeviceId,
  device: DeviceKeys,
  { userId, selfSigning, crossSigningIds, refusesUnsigned }: DeviceContext,
): RejectionReason | undefined {
  const malformed = malformedKey(deviceId, device);
  if (malformed !== undefined) return malformed;
  if (crossSigningIds.has(deviceId)) {
    const detail = "device_id: the public key of one of the user's cross-signing keys";
    return { code: "cross-signing-id", detail };
  }
  if (!refusesUnsigned || ownSignature(deviceId, device, userId) !== undefined) return undefined;
  const byOwner = selfSigning && signatureBy(device.signatures, userId, selfSigning.text);
  return byOwner === undefined ? unsigned(deviceId) : undefined;
}

const unsigned = (deviceId: DeviceId): RejectionReason => ({
  code: "unsigned",
  detail: `signatures: expected one by ed25519:${shortId(deviceId)}, or by the user's self-signing key`,
});

const IS_STRICT = { curve25519: isStrictCurve25519Key, ed25519: isStrictKey } as const;

/**
 * Matrix spec, client-server API, "Key algorithms": an ed25519 or curve25519 key is unpadded base64 of 32 bytes. Keys
 * of other algorithms are not checked.
 */
function malformedKey(deviceId: DeviceId, device: DeviceKeys): RejectionReason | undefined {
  for (const algorithm of ["ed25519", "curve25519"] as const) {
    const text = deviceKey(device, algorithm);
    const bytes = text === undefined ? undefined : decodeBase64(text, 32);
    if (text === undefined || (bytes !== undefined && IS_STRICT[algorithm](bytes))) continue;
    const detail = `keys.${algorithm}:${shortId(deviceId)}: expected a public key, 32 bytes in unpadded base64`;
    return { code: "malformed", detail };
  }
  return undefined;
}
