import { signedBytes } from "../keys/canonical-json.js";
import { deviceKey } from "../keys/device-key.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import type { CrossSigningKey, DeviceKeys } from "../model/wire.js";
import { signatureBy } from "./cross-signing-key.js";
import type { DeviceList } from "./device-list.js";
import { isWeaker, type Evidence } from "./evidence.js";
import { identityState, isVerified, ownUserSigningKey } from "./identity.js";
import { evidenceOf, type Pins } from "./pins.js";

/** A signature that ties a key to the previous one in the chain. Any program can check it again. */
export interface TrustSignature {
  /** The public ed25519 key that made it. Unpadded base64. */
  readonly by: string;
  /** Unpadded base64. */
  readonly signature: string;
  /** What it covers: canonical JSON in UTF-8. */
  readonly signed: Uint8Array;
}

/** A key on the way to a device, and what ties it to the previous key or to its owner. */
export interface TrustLink {
  readonly kind: "own-master" | "own-user-signing" | "master" | "self-signing" | "device";
  readonly userId: UserId;
  /** Only if `kind` is `device`. */
  readonly deviceId?: DeviceId;
  /** The public ed25519 key. Unpadded base64. */
  readonly key: string;
  /**
   * Evidence for this key by this link: `verified` or `acknowledged` by a person, `cross-signed` or `self-signed` by a
   * signature, or only `seen`.
   */
  readonly evidence: Evidence;
  /** Absent if the key was pinned, or confirmed by a person. */
  readonly signature?: TrustSignature;
}

export interface TrustChain {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /**
   * From our own confirmed master key to the device. If there is no such chain, it starts at the first key that is only
   * pinned; it has only the device if the user's identity has not signed it. Empty if the device is unknown.
   */
  readonly links: readonly TrustLink[];
  readonly trust: Evidence;
  /** The link that limits the trust; `undefined` if every link is a signature or a person's decision. */
  readonly weakest: TrustLink | undefined;
  /**
   * Set if the server's latest form of the device was refused: the chain is that of the previous form, or empty if none
   * was kept.
   */
  readonly refused?: RejectionReason;
}

/** What is known of a user: the last list and the pins. */
export interface KnownUser {
  readonly list: DeviceList | undefined;
  readonly pins: Pins;
}

export function trustChain(
  { userId, deviceId }: Pick<TrustChain, "userId" | "deviceId">,
  { list, pins }: KnownUser,
  ownUserId: UserId,
  own: DeviceList | undefined,
): TrustChain {
  const device = list?.deviceKeys.get(deviceId);
  const reason = list?.rejected.get(deviceId);
  const refused = reason === undefined ? {} : { refused: reason };
  if (list === undefined || device === undefined)
    return { userId, deviceId, links: [], trust: "seen", weakest: undefined, ...refused };
  const isCrossSigned = list.deviceStatus.get(deviceId)?.crossSigned === true;
  const masters =
    userId === ownUserId ? ownMasterLinks(userId, list, pins) : masterLinks(userId, list, pins, ownUserId, own);
  const links = isCrossSigned
    ? [...masters, ...selfSigningLinks(userId, list), deviceLink(userId, device, pins, list)]
    : [deviceLink(userId, device, pins, undefined)];
  const { identity, deviceStatus } = list;
  const isByPinned = isCrossSigned && identityState(identity) === "unchanged";
  const alone = deviceStatus.get(deviceId)?.signedByItself === true ? "self-signed" : "seen";
  const trust = isByPinned ? trustBy(masters) : isCrossSigned ? alone : (links[0]?.evidence ?? alone);
  const isLimit = ({ evidence, signature }: TrustLink) =>
    evidence === "self-signed" || (signature === undefined && isWeaker(evidence, "verified"));
  const weakest = links.filter(isLimit).reduce<TrustLink | undefined>(weaker, undefined);
  return { userId, deviceId, links, trust, weakest, ...refused };
}

const weaker = (a: TrustLink | undefined, b: TrustLink): TrustLink =>
  a === undefined || isWeaker(b.evidence, a.evidence) ? b : a;

/** A device signed by its user's identity is trusted as far as the identity, and at least as `cross-signed`. */
function trustBy(masters: readonly TrustLink[]): Evidence {
  const [first] = masters;
  return first === undefined || isWeaker(first.evidence, "cross-signed") ? "cross-signed" : first.evidence;
}

function ownMasterLinks(userId: UserId, { identity }: DeviceList, pins: Pins): readonly TrustLink[] {
  const { masterKey: key } = identity;
  if (key === undefined) return [];
  return [{ kind: "own-master", userId, key, evidence: pinned(pins, key) }];
}

function masterLinks(
  userId: UserId,
  { identity, masterKey }: DeviceList,
  pins: Pins,
  ownUserId: UserId,
  own: DeviceList | undefined,
): readonly TrustLink[] {
  const { masterKey: key } = identity;
  if (key === undefined) return [];
  const ourKey = own && ownUserSigningKey(own);
  const ourMaster = own?.identity.masterKey;
  if (ourKey === undefined || ourMaster === undefined || !isVerified(identity, ourKey))
    return [{ kind: "master", userId, key, evidence: byPerson(pins, key) }];
  return [
    { kind: "own-master", userId: ownUserId, key: ourMaster, evidence: "verified" },
    {
      kind: "own-user-signing",
      userId: ownUserId,
      key: ourKey,
      evidence: "cross-signed",
      ...signedBy(own?.userSigningKey, ownUserId, ourMaster),
    },
    { kind: "master", userId, key, evidence: "cross-signed", ...signedBy(masterKey, ownUserId, ourKey) },
  ];
}

/** The evidence for a pinned master key without our own identity. */
const byPerson = (pins: Pins, key: string): Evidence =>
  pinned(pins, key) === "acknowledged" ? "acknowledged" : "seen";

/** Returns the evidence for a master key. One that is not the pinned key was only seen. */
const pinned = ({ masterKey, masterEvidence = "seen", incomplete }: Pins, key: string): Evidence =>
  masterKey === key && incomplete === undefined ? masterEvidence : "seen";

function selfSigningLinks(userId: UserId, { selfSigningKey, identity }: DeviceList): readonly TrustLink[] {
  const key = Object.values(selfSigningKey?.keys ?? {})[0];
  if (key === undefined || identity.masterKey === undefined) return [];
  const signature = signedBy(selfSigningKey, userId, identity.masterKey);
  return [{ kind: "self-signing", userId, key, evidence: "cross-signed", ...signature }];
}

/** @param list if the user's identity has signed the device */
function deviceLink(userId: UserId, device: DeviceKeys, pins: Pins, list: DeviceList | undefined): TrustLink {
  const { device_id: deviceId } = device;
  const key = deviceKey(device, "ed25519") ?? "";
  const link = { kind: "device", userId, deviceId, key } as const;
  const selfSigning = Object.values(list?.selfSigningKey?.keys ?? {})[0];
  if (selfSigning !== undefined) return { ...link, evidence: "cross-signed", ...signedBy(device, userId, selfSigning) };
  const own = signatureBy(device.signatures, userId, deviceId);
  const signed = signedBytes(device);
  // Without a signature, a pinned key says nothing about the others.
  if (own === undefined || signed === undefined) return { ...link, evidence: "seen" };
  const isAcknowledged = pins.devices.get(deviceId) === key && evidenceOf(pins, deviceId) === "acknowledged";
  if (isAcknowledged) return { ...link, evidence: "acknowledged" };
  return { ...link, evidence: "self-signed", signature: { by: key, signature: own, signed } };
}

function signedBy(
  object: CrossSigningKey | DeviceKeys | undefined,
  userId: UserId,
  by: string,
): { readonly signature?: TrustSignature } {
  const signature = signatureBy(object?.signatures, userId, by);
  const signed = object && signedBytes(object);
  return signature === undefined || signed === undefined ? {} : { signature: { by, signature, signed } };
}
