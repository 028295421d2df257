import type { RotateReason } from "../../src/rooms/plan-key-share.js";
import { ME } from "./person.js";
import { isCrossSigned } from "./room-person.js";
import type { RoomScene } from "./room-scene.js";
import type { ComparedSession, SharingCase, SharingDifference } from "./sharing-difference.js";

/**
 * A class of differences: its name in `docs/differences.md`, and whether what is true of the room shows that a
 * difference belongs to it.
 */
export interface SharingExplanation {
  readonly name: string;
  readonly explains: (difference: SharingDifference, about: SharingCase) => boolean;
}

const HOUR = 3_600_000;
const isForLater = (visibility: string): boolean => visibility === "shared" || visibility === "world_readable";

interface AboutDevice {
  readonly userId: string;
  readonly deviceId: string;
}

/** A class of messages that only they do not send at all. */
const onlyTheyFail = (name: string, isSo: (about: SharingCase) => boolean): SharingExplanation => ({
  name,
  explains: (difference, about) => difference.what === "failed" && difference.theirs && isSo(about),
});

/** A class of devices that only they give the session, and that therefore make only us replace it. */
const onlyTheyShare = (
  name: string,
  reason: string,
  isSo: (device: AboutDevice, about: SharingCase) => boolean,
): SharingExplanation => ({
  name,
  explains: (difference, about) => {
    if (difference.what === "rotated") {
      const { ours, theirs } = difference;
      return !theirs && ours?.type === "device-left-out" && ours.reason === reason && isSo(ours, about);
    }
    if (difference.what === "key") return difference.theirs && isSo(difference, about);
    return difference.what === "withheld" && difference.theirs === undefined && isSo(difference, about);
  },
});

/** A class of sessions that only we replace, for this reason. */
const onlyWeRotate = (
  name: string,
  explains: (reason: RotateReason, session: ComparedSession, about: SharingCase) => boolean,
): SharingExplanation => ({
  name,
  explains: (difference, about) =>
    difference.what === "rotated" &&
    difference.ours !== undefined &&
    about.session !== undefined &&
    explains(difference.ours, about.session, about),
});

/** A class of sessions that only they replace. */
const onlyTheyRotate = (
  name: string,
  explains: (session: ComparedSession, about: SharingCase) => boolean,
): SharingExplanation => ({
  name,
  explains: (difference, about) =>
    difference.what === "rotated" &&
    difference.ours === undefined &&
    about.session !== undefined &&
    explains(about.session, about),
});

function isVerifiedWithLegacyDevice(userId: string, scene: RoomScene): boolean {
  const { isVerified, devices } = scene.person(userId);
  return (
    (isVerified || userId === ME) &&
    Array.from(devices.values()).some(({ id, kind }) => !isCrossSigned(kind) && !scene.isBlocked(userId, id))
  );
}

/** All classes, in the order in which they are tried. */
export const SHARING_EXPLANATIONS: readonly SharingExplanation[] = [
  // Messages
  onlyTheyFail(
    "whole-message",
    ({ scene }) => scene.policy === "identity" && scene.readers.some((userId) => scene.isViolated(userId)),
  ),
  onlyTheyFail(
    "legacy-device-of-verified-user",
    ({ scene }) =>
      scene.policy === "all, strict" && scene.readers.some((userId) => isVerifiedWithLegacyDevice(userId, scene)),
  ),

  // Devices
  {
    name: "blocked-without-olm",
    explains: (difference, { scene }) => {
      if (difference.what !== "withheld") return false;
      const { userId, deviceId, ours, theirs } = difference;
      const { kind = "signed" } = scene.device(userId, deviceId) ?? {};
      const isWithoutOlm = kind === "no-olm" || kind === "no-key";
      return isWithoutOlm && scene.isBlocked(userId, deviceId) && ours === "m.no_olm" && theirs === "m.blacklisted";
    },
  },
  {
    name: "blocked-device",
    explains: (difference, { scene }) => {
      if (scene.policy !== "identity" && scene.policy !== "identity, strict") return false;
      const { ours } = difference;
      const isLeftOut = typeof ours === "object" && ours.type === "device-left-out" && ours.reason === "blocked";
      const device = isLeftOut ? ours : difference;
      return "deviceId" in device && scene.isBlocked(device.userId, device.deviceId);
    },
  },
  onlyTheyShare("changed-identity", "identity-changed", ({ userId }, { scene }) => scene.isChanged(userId)),
  onlyTheyShare(
    "lost-verification",
    "verification-violated",
    ({ userId }, { scene }) => scene.policy === "all" && scene.isViolated(userId),
  ),
  {
    name: "verified-only",
    explains: (difference, { scene }) => {
      if (scene.policy !== "trusted" || (difference.what !== "key" && difference.what !== "withheld")) return false;
      const { what, userId, ours, theirs } = difference;
      const isOnlyOurs = what === "key" ? ours : theirs === "m.unverified";
      return isOnlyOurs && userId !== ME && !scene.person(userId).isVerified;
    },
  },
  onlyTheyRotate(
    "verified-only",
    ({ curve25519 }, { scene }) =>
      scene.policy === "trusted" &&
      Array.from(curve25519.keys(), (device) => device.slice(0, device.indexOf(" "))).some(
        (userId) => userId !== ME && !scene.person(userId).isVerified,
      ),
  ),

  // Sessions
  onlyWeRotate(
    "came-back",
    (reason, { departed }, { scene }) =>
      reason.type === "user-left" && scene.isReader(reason.userId) && departed.has(reason.userId),
  ),
  onlyWeRotate("missed-responses", ({ type }, { missed }) => type === "responses-missed" && missed),
  onlyWeRotate(
    "new-master-key",
    (reason, { masterKeys }, { scene }) =>
      reason.type === "identity-changed" && masterKeys.get(reason.userId) !== scene.person(reason.userId).masterKey,
  ),
  onlyWeRotate(
    "replaced-curve25519-key",
    (reason, { curve25519 }, { scene }) =>
      reason.type === "device-replaced" &&
      curve25519.get(`${reason.userId} ${reason.deviceId}`) !==
        scene.device(reason.userId, reason.deviceId)?.curve25519,
  ),
  onlyTheyRotate(
    "visibility",
    ({ visibility }, { scene }) =>
      visibility !== scene.visibility && isForLater(visibility) === isForLater(scene.visibility),
  ),
  onlyWeRotate(
    "short-period",
    ({ type }, { createdAt }, { now, scene }) =>
      type === "too-old" && scene.settings.periodMs < HOUR && now - createdAt < HOUR,
  ),
  onlyWeRotate(
    "changed-settings",
    ({ type }, { settings }, { scene }) =>
      (type === "too-old" && settings.periodMs > scene.settings.periodMs) ||
      (type === "too-many-messages" && settings.messages > scene.settings.messages),
  ),
  onlyTheyRotate(
    "changed-settings",
    ({ settings: { periodMs, messages } }, { scene }) =>
      periodMs < scene.settings.periodMs || messages < scene.settings.messages,
  ),
];
