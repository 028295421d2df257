import type { DeviceId, DeviceKeys, RejectionReason, UserId } from "matrix-device-tracker";
import { element } from "../dom/element.js";
import { nameOf } from "../words/device-name.js";
import { fingerprint } from "../words/fingerprint.js";
import { together } from "../words/names.js";
import { REFUSALS, SHIELDS } from "../words/trust-words.js";
import { actionButton } from "./card-action.js";
import type { Person } from "./person.js";
import { shieldIcon, shieldOf, type Shield } from "./shield.js";

/** A device of a user's list: how far it can be trusted, its key, and who else claims that. */
export function drawDevice(
  { userId, added, contested, deviceStatus, identity }: Person,
  id: DeviceId,
  device: DeviceKeys,
): HTMLElement {
  const tag = added.has(id) ? "new" : undefined;
  const key = device.keys[`ed25519:${id}`] ?? "";
  const shield = shieldOf(deviceStatus.get(id), identity);
  const others = contested.get(id);
  return element(
    "li",
    { class: tag, "data-device": id, "data-shield": shield },
    element(
      "span",
      { class: "device" },
      nameOf(id, device),
      tag !== undefined && element("span", { class: "tag" }, tag),
    ),
    shield !== undefined && drawShield(shield, userId, id, nameOf(id, device)),
    element("code", { title: `${id}, ed25519 ${key}` }, fingerprint(key, 4)),
    others !== undefined &&
      element(
        "small",
        { class: "contested", "data-contested": id },
        `${together(others.map(({ name }) => name))} ${others.length === 1 ? "claims" : "claim"} the same key: a message from it cannot be attributed.`,
      ),
  );
}

/** A device that was refused, and why. If it is kept as it was, it is in the list, too. */
export function drawRefused({ devices }: Person, id: DeviceId, { code, detail }: RejectionReason): HTMLElement {
  const kept = devices.get(id);
  return element(
    "li",
    { class: "rejected", "data-rejected": id, "data-code": code, "data-kept": kept !== undefined },
    element(
      "span",
      { class: "device" },
      kept === undefined ? element("code", {}, id) : nameOf(id, kept),
      element("span", { class: "tag" }, "refused"),
    ),
    element(
      "small",
      { class: "why", title: detail },
      shieldIcon("refused"),
      `Refused: ${REFUSALS[code]}. ${kept === undefined ? "It gets no messages." : `The device is kept as it was, above${code === "key-changed" ? ", and gets no messages" : ""}.`}`,
    ),
  );
}

/** A button: pressed, it shows why. */
function drawShield(shield: Shield, userId: UserId, id: DeviceId, name: string): HTMLElement {
  const { word, meaning } = SHIELDS[shield];
  return actionButton(
    { action: "explain", userId, subject: id },
    { class: `word ${shield}`, title: meaning, label: `${name}: ${word}. Why?` },
    shieldIcon(shield),
    element("span", {}, word),
  );
}
