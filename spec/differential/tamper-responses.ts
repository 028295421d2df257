import { jsonObject, objectAt } from "./json.js";
import { wrongValue } from "./odd-values.js";
import { DEVICE_TAMPERINGS, type Tampering } from "./tamper-devices.js";
import { IDENTITY_TAMPERINGS } from "./tamper-identities.js";

const SECTIONS = ["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"] as const;

/** Ways to tamper with a response as a whole. */
const RESPONSE_TAMPERINGS: Readonly<Record<string, Tampering>> = {
  "user without devices": (scene) => {
    objectAt(scene.response, "device_keys")[scene.person().userId] = jsonObject();
  },
  "user left out": (scene) => {
    const { userId } = scene.person();
    Reflect.deleteProperty(objectAt(scene.response, "device_keys"), userId);
    if (scene.random.chance(0.5))
      for (const name of SECTIONS) Reflect.deleteProperty(objectAt(scene.response, name), userId);
  },
  "user of the wrong type": (scene) => {
    objectAt(scene.response, "device_keys")[scene.person().userId] = wrongValue(scene.random);
  },
  "section left out": ({ response, random }) => {
    Reflect.deleteProperty(response, random.pick(SECTIONS));
  },
  "section of the wrong type": ({ response, random }) => {
    response[random.pick(SECTIONS)] = wrongValue(random);
  },
  "server that failed": (scene) => {
    const { userId } = scene.person();
    objectAt(scene.response, "failures")[userId.slice(userId.indexOf(":") + 1)] = jsonObject();
    if (scene.random.chance(0.6))
      for (const name of ["device_keys", "master_keys", "self_signing_keys"])
        Reflect.deleteProperty(objectAt(scene.response, name), userId);
  },
  "server that failed for a reason of the wrong type": ({ response, random }) => {
    objectAt(response, "failures")[random.pick(["elsewhere.example", "no server", ""])] = wrongValue(random);
  },
  "user who was not requested": (scene) => {
    const placed = scene.device();
    if (placed === undefined) return;
    objectAt(scene.response, "device_keys")[scene.random.pick(["@eve:example.org", "no user"])] = jsonObject({
      [placed.id]: placed.json,
    });
  },
};

/** All ways to tamper with a response, by name. */
export const TAMPERINGS: ReadonlyMap<string, Tampering> = new Map([
  ...Object.entries(DEVICE_TAMPERINGS),
  ...Object.entries(IDENTITY_TAMPERINGS),
  ...Object.entries(RESPONSE_TAMPERINGS),
]);
