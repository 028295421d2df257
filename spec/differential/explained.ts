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

/** A class of differences: its name in `docs/differences.md`, and whether a difference is one of them, by what the answer says. */
export interface Explanation {
  readonly name: string;
  readonly explains: (disputed: Disputed) => boolean;
}

const explain = (name: string, explains: Explanation["explains"]): Explanation => ({ name, explains });
/** A class of what we accept or follow, and they do not. */
const weTake = (name: string, explains: Explanation["explains"]): Explanation =>
  explain(
    name,
    (disputed) =>
      disputed.isInherent &&
      disputed.saidAlone("ours") !== undefined &&
      disputed.saidAlone("theirs") === undefined &&
      explains(disputed),
  );
/** A class of what they accept, and we do not. */
const theyTake = (name: string, explains: Explanation["explains"]): Explanation =>
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

/** Every class, in the order in which they are tried. */
export const EXPLANATIONS: readonly Explanation[] = [
  // Of whole answers.
  explain(
    "unreadable-part",
    ({ about: { ours, theirs }, answer }) => ours.read && !theirs.read && hasUnreadableParts(answer),
  ),
  explain(
    "failed-server",
    ({ about, userId, answer }) =>
      about.ours.read && Object.hasOwn(objectAt(answer, "failures"), userId.slice(userId.indexOf(":") + 1)),
  ),

  // Of keys, whoever's.
  weTake("field-twice", ({ about: { text } }) =>
    /"(user_id|device_id|keys|signatures|algorithms)":"first",|\{"user_id":[^,]*,"user_id":|\{"(\w+)":.{1,2000},"user_id":.{1,2000},"\2":/u.test(
      text,
    ),
  ),
  weTake("half-character", someObject(hasHalfCharacter)),
  weTake("type", someObject(isTypedOtherwise)),
  weTake("number", someObject(hasNumber)),
  theyTake(
    "weak-key",
    someObject((object) => keysIn(object).some((key) => isString(key) && WEAK_KEYS.includes(spelling(key)))),
  ),
  theyTake(
    "limit",
    (disputed) =>
      disputed.deviceId.length > 255 ||
      someObject((object) => depth(object) > 32 || JSON.stringify(object).length > 65_536)(disputed),
  ),
  theyTake("spelling", someObject(isMisspelt)),

  // Of devices.
  weTake(
    "unsigned-device",
    (disputed) =>
      disputed.about.unsignedDevices === "accept" && disputed.device !== undefined && !isSignedByItself(disputed),
  ),
  theyTake("shared-curve25519-key", ({ code, devices, device, deviceId }) => {
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
  theyTake(
    "cross-signing-id",
    ({ code, crossSigningKeys, deviceId }) =>
      code === "cross-signing-id" && crossSigningKeys.some(([, key]) => keysIn(key).includes(deviceId)),
  ),
  // Both keep what they had, which is not the same where an earlier answer was one that only one of them could read.
  explain(
    "device-kept",
    (disputed) =>
      disputed.isAboutDevice &&
      disputed.theyKeep &&
      disputed.code !== undefined &&
      disputed.saidBefore("ours") === disputed.ours,
  ),
  explain(
    "key-changed",
    (disputed) =>
      disputed.code === "key-changed" && !disputed.isInherent && disputed.saidAlone("ours") === disputed.theirs,
  ),

  // Of identities.
  theyTake(
    "several-keys",
    ({ isAboutIdentity, crossSigningKeys }) =>
      isAboutIdentity && crossSigningKeys.some(([, key]) => keysIn(key).length > 1),
  ),
  theyTake(
    "key-id",
    ({ isAboutIdentity, crossSigningKeys }) =>
      isAboutIdentity &&
      crossSigningKeys.some(([, key]) =>
        Object.entries(objectAt(key, "keys")).some(([keyId, text]) => !isString(text) || keyId !== `ed25519:${text}`),
      ),
  ),
  weTake(
    "usage",
    ({ isAboutIdentity, crossSigningKeys }) =>
      isAboutIdentity &&
      crossSigningKeys.some(
        ([usage, { usage: said }]) => Array.isArray(said) && said.includes(usage) && said.length > 1,
      ),
  ),
  weTake(
    "incomplete-identity",
    ({ isAboutIdentity, about, userId }) => isAboutIdentity && about.ours.incomplete.has(userId),
  ),
  explain("identity-kept", (disputed) => disputed.isAboutIdentity && disputed.onlyTheirs && disputed.theyKeep),
  explain("follows-from-identity", ({ what, hasOtherIdentity }) => what === "cross-signed" && hasOtherIdentity),

  // Of what they remember.
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
      (disputed.onlyTheirs || disputed.saidAlone("theirs") === disputed.ours),
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
      disputed.saidBefore("ours") === disputed.ours,
  ),
];
