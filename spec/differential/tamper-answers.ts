import { jsonObject, objectAt } from "./json.js";
import { wrongValue } from "./odd-values.js";
import { DEVICE_TAMPERINGS, type Tampering } from "./tamper-devices.js";
import { IDENTITY_TAMPERINGS } from "./tamper-identities.js";

const SECTIONS = ["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"] as const;

/** What may be done to an answer as a whole. */
const ANSWER_TAMPERINGS: Readonly<Record<string, Tampering>> = {
  "user without devices": (scene) => {
    objectAt(scene.answer, "device_keys")[scene.person().userId] = jsonObject();
  },
  "user left out": (scene) => {
    const { userId } = scene.person();
    Reflect.deleteProperty(objectAt(scene.answer, "device_keys"), userId);
    if (scene.random.chance(0.5))
      for (const name of SECTIONS) Reflect.deleteProperty(objectAt(scene.answer, name), userId);
  },
  "user of the wrong type": (scene) => {
    objectAt(scene.answer, "device_keys")[scene.person().userId] = wrongValue(scene.random);
  },
  "section left out": ({ answer, random }) => {
    Reflect.deleteProperty(answer, random.pick(SECTIONS));
  },
  "section of the wrong type": ({ answer, random }) => {
    answer[random.pick(SECTIONS)] = wrongValue(random);
  },
  "server that failed": (scene) => {
    const { userId } = scene.person();
    objectAt(scene.answer, "failures")[userId.slice(userId.indexOf(":") + 1)] = jsonObject();
    if (scene.random.chance(0.6))
      for (const name of ["device_keys", "master_keys", "self_signing_keys"])
        Reflect.deleteProperty(objectAt(scene.answer, name), userId);
  },
  "server that failed for a reason of the wrong type": ({ answer, random }) => {
    objectAt(answer, "failures")[random.pick(["elsewhere.example", "no server", ""])] = wrongValue(random);
  },
  "user who was not asked for": (scene) => {
    const placed = scene.device();
    if (placed === undefined) return;
    objectAt(scene.answer, "device_keys")[scene.random.pick(["@eve:example.org", "no user"])] = jsonObject({
      [placed.id]: placed.json,
    });
  },
};

/** Everything that may be done to an answer, by name. */
export const TAMPERINGS: ReadonlyMap<string, Tampering> = new Map([
  ...Object.entries(DEVICE_TAMPERINGS),
  ...Object.entries(IDENTITY_TAMPERINGS),
  ...Object.entries(ANSWER_TAMPERINGS),
]);
