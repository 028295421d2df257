import {
  depth,
  hasHalfCharacter,
  hasNumber,
  hasUnreadableParts,
  isMisspelt,
  isString,
  isTypedOtherwise,
  keysIn,
  spelling,
} from "./content.js";
import { isWeak } from "./curve25519.js";
import {
  bothKeepTheDevice,
  isTheOnlyOneCrossSigned,
  sharingDevices,
  theyAcceptTheKey,
  theyKeepTheKey,
  weKeepTheDevice,
} from "./device-keys.js";
import type { Disputed } from "./disputed.js";
import { at, objectAt } from "./json.js";
import { NO_POINT, WEAK_KEYS } from "./odd-values.js";

/**
 * A class of differences: its name in `docs/differences.md`, and whether the response shows that a difference belongs
 * to it.
 */
export interface Explanation {
  readonly name: string;
  readonly explains: (disputed: Disputed) => boolean;
}

const explain = (name: string, explains: Explanation["explains"]): Explanation => ({ name, explains });
/** A class of content that only we accept. */
const onlyWeAccept = (name: string, explains: Explanation["explains"]): Explanation =>
  explain(
    name,
    (disputed) =>
      disputed.alone("theirs") === undefined &&
      (disputed.alone("ours") !== undefined || (disputed.onlyOurs && disputed.code === undefined)) &&
      explains(disputed),
  );
/** A class of content that only they accept. */
const onlyTheyAccept = (name: string, explains: Explanation["explains"]): Explanation =>
  explain(
    name,
    (disputed) =>
      disputed.isInherent &&
      (disputed.onlyTheirs || disputed.theirs === "true" || weKeepTheDevice(disputed)) &&
      explains(disputed),
  );

const someObject =
  (test: (object: Disputed["objects"][number]) => boolean) =>
  ({ objects }: Disputed): boolean =>
    objects.some(test);
const isSignedByItself = ({ userId, deviceId, device }: Disputed): boolean =>
  isString(at(device, "signatures", userId, `ed25519:${deviceId}`)) &&
  isString(at(device, "keys", `ed25519:${deviceId}`));

/** All classes, in the order in which they are tried. */
export const EXPLANATIONS: readonly Explanation[] = [
  // Whole responses
  explain(
    "unreadable-part",
    ({ about: { ours, theirs }, response }) => ours.read && !theirs.read && hasUnreadableParts(response),
  ),
  explain(
    "failed-server",
    ({ about, userId, response, devices }) =>
      about.ours.read &&
      devices === undefined &&
      Object.hasOwn(objectAt(response, "failures"), userId.slice(userId.indexOf(":") + 1)),
  ),

  // Keys of devices and identities
  onlyWeAccept("field-twice", ({ about: { text } }) =>
    /"(user_id|device_id|keys|signatures|algorithms)":"first",|\{"user_id":[^,]*,"user_id":|\{"(\w+)":.{1,2000},"user_id":.{1,2000},"\2":/u.test(
      text,
    ),
  ),
  onlyWeAccept("half-character", someObject(hasHalfCharacter)),
  onlyWeAccept("type", someObject(isTypedOtherwise)),
  onlyWeAccept("number", someObject(hasNumber)),
  onlyWeAccept(
    "no-point",
    ({ isAboutIdentity, objects }) =>
      isAboutIdentity &&
      objects.some((object) => keysIn(object).some((key) => isString(key) && spelling(key) === NO_POINT)),
  ),
  explain("weak-curve25519-key", (disputed) => {
    const { code, device, deviceId } = disputed;
    const key = at(device, "keys", `curve25519:${deviceId}`);
    return (
      isString(key) && isWeak(key) && code === "malformed" && spelling(key) === disputed.deviceOf("theirs")?.curve25519
    );
  }),
  onlyTheyAccept(
    "weak-key",
    someObject((object) =>
      Object.entries(objectAt(object, "keys")).some(
        ([keyId, key]) => !keyId.startsWith("curve25519:") && isString(key) && WEAK_KEYS.includes(spelling(key)),
      ),
    ),
  ),
  onlyTheyAccept(
    "limit",
    (disputed) =>
      disputed.deviceId.length > 255 ||
      someObject((object) => depth(object) > 32 || JSON.stringify(object).length > 65_536)(disputed),
  ),
  onlyTheyAccept("spelling", someObject(isMisspelt)),

  // Devices
  onlyWeAccept(
    "unsigned-device",
    (disputed) =>
      (disputed.about.unsignedDevices === "accept" || disputed.deviceOf("ours")?.crossSigned === true) &&
      disputed.device !== undefined &&
      !isSignedByItself(disputed),
  ),
  explain(
    "shared-curve25519-key",
    (disputed) =>
      disputed.code === "key-shared" &&
      disputed.onlyTheirs &&
      sharingDevices(disputed).length > 0 &&
      !isTheOnlyOneCrossSigned(disputed),
  ),
  explain(
    "cross-signing-id",
    ({ code, onlyTheirs, about, userId, crossSigningKeys, deviceId }) =>
      code === "cross-signing-id" &&
      onlyTheirs &&
      (about.memory.crossSigningKeysOf(userId).has(deviceId) ||
        crossSigningKeys.some(([, key]) => keysIn(key).includes(deviceId))),
  ),
  explain("rekeyed", (disputed) => {
    const { key = "", formerKeys } = disputed;
    if (!theyKeepTheKey(disputed) || formerKeys.length === 0) return false;
    return formerKeys.includes(key)
      ? formerKeys.length > 1 && formerKeys.at(-1) === key
      : disputed.deviceOf("ours")?.crossSigned === true && disputed.about.ours.unchanged.has(disputed.userId);
  }),
  // Both keep the previous device, but not the same one if only one of them could read an earlier response.
  explain(
    "device-kept",
    (disputed) =>
      disputed.isAboutDevice &&
      disputed.code !== undefined &&
      disputed.before("ours") === disputed.ours &&
      (disputed.theyKeep || bothKeepTheDevice(disputed)),
  ),
  explain("retired-key", (disputed) => theyAcceptTheKey(disputed) && disputed.formerKeys.includes(disputed.key ?? "")),
  explain("key-changed", (disputed) => theyAcceptTheKey(disputed) && disputed.formerKeys.length > 0),

  // Identities
  onlyTheyAccept(
    "several-keys",
    ({ isAboutIdentity, crossSigningKeys }) =>
      isAboutIdentity && crossSigningKeys.some(([, key]) => keysIn(key).length > 1),
  ),
  onlyTheyAccept(
    "key-id",
    ({ isAboutIdentity, crossSigningKeys }) =>
      isAboutIdentity &&
      crossSigningKeys.some(([, key]) =>
        Object.entries(objectAt(key, "keys")).some(([keyId, text]) => !isString(text) || keyId !== `ed25519:${text}`),
      ),
  ),
  onlyWeAccept(
    "usage",
    ({ isAboutIdentity, crossSigningKeys }) =>
      isAboutIdentity &&
      crossSigningKeys.some(
        ([usage, { usage: usages }]) => Array.isArray(usages) && usages.includes(usage) && usages.length > 1,
      ),
  ),
  onlyWeAccept(
    "incomplete-identity",
    ({ isAboutIdentity, about, userId }) => isAboutIdentity && about.ours.incomplete.has(userId),
  ),
  explain("identity-kept", (disputed) => disputed.isAboutIdentity && disputed.onlyTheirs && disputed.theyKeep),
  explain("follows-from-identity", ({ what, hasOtherIdentity }) => what === "cross-signed" && hasOtherIdentity),

  // What they remember
  explain(
    "user-left-out",
    (disputed) => disputed.isAboutDevice && disputed.devices === undefined && disputed.onlyTheirs && disputed.theyKeep,
  ),
  explain(
    "device-kept",
    (disputed) =>
      disputed.isAboutDevice &&
      disputed.theyKeep &&
      at(disputed.devices, disputed.deviceId) !== undefined &&
      disputed.onlyTheirs,
  ),
  // They know the device by a key that we have never accepted.
  explain(
    "device-kept",
    (disputed) => theyKeepTheKey(disputed) && disputed.formerKeys.every((key) => key === disputed.key),
  ),
  // Both refuse its key, and only their list still has the device.
  explain("device-kept", (disputed) => {
    const { code, key, onlyTheirs, formerKeys } = disputed;
    const their = disputed.deviceOf("theirs")?.ed25519 ?? "";
    // What only its owner had signed is unsigned once the self-signing key is another one.
    const { unsignedDevices, oursBefore } = disputed.about;
    const former = oursBefore?.users.get(disputed.userId)?.devices.get(disputed.deviceId);
    const isUnsigned = unsignedDevices === "refuse" && former?.crossSigned === true;
    const isGone = disputed.isAboutDevice && (disputed.before("ours") === undefined || isUnsigned);
    return code === "key-changed" && onlyTheirs && isGone && their !== key && formerKeys.length > 0;
  }),
  explain(
    "device-kept-by-us",
    ({ what, code, ours, theirs }) =>
      what === "cross-signed" && code !== undefined && ours === "false" && theirs === "true",
  ),
  explain(
    "device-kept-by-us",
    (disputed) =>
      disputed.isAboutDevice &&
      disputed.code !== undefined &&
      disputed.onlyOurs &&
      disputed.before("ours") === disputed.ours,
  ),
];
