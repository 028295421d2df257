import type { KeySharePlan } from "matrix-device-tracker/rooms";
import { element } from "../dom/element.js";
import { nameOf } from "../words/device-name.js";
import { devices as count, together } from "../words/names.js";
import { rotateWords } from "../words/rotate-words.js";
import { holderName, type RoomKey } from "./room-key.js";

/** Devices that are named; more are counted. */
const NAMED = 2;

/**
 * A message that was sent, and who was given its key.
 *
 * @param before the key before it
 * @param key its own key
 */
export function drawSent(
  text: string,
  { share, rotate }: KeySharePlan,
  before: RoomKey | undefined,
  key: RoomKey,
): HTMLElement {
  const names = share.map(({ deviceId, device }) => nameOf(deviceId, device));
  const given =
    names.length === 0
      ? "given to no more devices"
      : `given to ${names.length > NAMED ? count(names.length) : together(names)}`;
  const why = rotate.map((reason) => rotateWords(reason, holderName(before)));
  return element(
    "li",
    { "data-key-number": key.number, "data-given": share.length },
    element("q", {}, text),
    element("small", {}, `Key ${key.number}, message ${key.messageCount}: ${given}.`),
    why.length > 0 && element("small", {}, `New key, because ${together(why)}.`),
  );
}
