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
import type { Disputed } from "./disputed.js";
import { at, isJsonObject, objectAt } from "./json.js";
import { WEAK_KEYS } from "./odd-values.js";

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
      disputed.isInherent &&
      disputed.alone("ours") !== undefined &&
      disputed.alone("theirs") === undefined &&
      explains(disputed),
  );
/** A class of content that only they accept. */
const onlyTheyAccept = (name: string, explains: Explanation["explains"]): Explanation =>
  explain(
    name,
    (disputed) => disputed.isInherent && (disputed.onlyTheirs || disputed.theirs === "true") && explains(disputed),
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
  onlyTheyAccept(
    "weak-key",
    someObject((object) => keysIn(object).some((key) => isString(key) && WEAK_KEYS.includes(spelling(key)))),
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
      disputed.about.unsignedDevices === "accept" && disputed.device !== undefined && !isSignedByItself(disputed),
  ),
  onlyTheyAccept("shared-curve25519-key", ({ code, devices, device, deviceId }) => {
    if (code !== "key-shared" || !isJsonObject(devices)) return false;
    const keys = Object.entries(devices).map(([id, other]) => at(other, "keys", `curve25519:${id}`));
    return keys.filter((key) => key === at(device, "keys", `curve25519:${deviceId}`)).length > 1;
  }),
  explain("shared-curve25519-key", ({ code, onlyTheirs, about, userId, deviceId, device }) => {
    const kept = [...(about.ours.users.get(userId)?.devices.values() ?? [])];
    return (
      onlyTheirs &&
      code === "key-shared" &&
      kept.some(({ curve25519 }) => curve25519 === at(device, "keys", `curve25519:${deviceId}`))
    );
  }),
  onlyTheyAccept(
    "cross-signing-id",
    ({ code, crossSigningKeys, deviceId }) =>
      code === "cross-signing-id" && crossSigningKeys.some(([, key]) => keysIn(key).includes(deviceId)),
  ),
  // Both keep the previous device, but not the same one if only one of them could read an earlier response.
  explain(
    "device-kept",
    (disputed) =>
      disputed.isAboutDevice &&
      disputed.theyKeep &&
      disputed.code !== undefined &&
      disputed.before("ours") === disputed.ours,
  ),
  explain(
    "key-changed",
    (disputed) => disputed.code === "key-changed" && !disputed.isInherent && disputed.alone("ours") === disputed.theirs,
  ),

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
      (disputed.onlyTheirs || disputed.alone("theirs") === disputed.ours),
  ),
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
