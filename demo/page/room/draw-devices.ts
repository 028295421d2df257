import type { UserId } from "matrix-device-tracker";
import type { RoomRecipients } from "matrix-device-tracker/rooms";
import { element } from "../dom/element.js";
import type { Roster } from "../people/roster.js";
import { nameOf } from "../words/device-name.js";
import { leftOutWords } from "../words/left-out-words.js";
import { planFor, type RoomKey } from "./room-key.js";

/** A user's devices: those that get a message, and why the others do not. */
export function drawDevices(
  userId: UserId,
  now: RoomRecipients,
  key: RoomKey | undefined,
  roster: Roster,
): readonly HTMLElement[] {
  const { share, rotate } = planFor(key, now);
  const words = { gets: rotate.length > 0 ? "gets the new key" : "gets the key", has: "has the key" };
  const toGet = new Set(share);
  const reached = now.devices.filter((device) => device.userId === userId);
  const leftOut = now.leftOut.filter((device) => device.userId === userId);
  return [
    ...reached.map((recipient) => {
      const state = toGet.has(recipient) ? "gets" : "has";
      return drawDevice(state, nameOf(recipient.deviceId, recipient.device), words[state]);
    }),
    ...leftOut.map((left) => {
      const { name, why } = leftOutWords(roster, left);
      return drawDevice("not", name, `left out: ${why}`);
    }),
  ];
}

const drawDevice = (state: "gets" | "has" | "not", name: string, words: string): HTMLElement =>
  element("li", { "data-key": state }, element("span", { class: "device-name" }, name), element("small", {}, words));
