import type { RoomRecipients } from "matrix-device-tracker/rooms";
import { element } from "../dom/element.js";
import { devices as count, nameThem, people } from "../words/names.js";
import { rotateWords } from "../words/rotate-words.js";
import { holderName, planFor, type RoomKey } from "./room-key.js";

/** How many devices would get a message, and what would have to happen to the key before. */
export function drawPlan(now: RoomRecipients | undefined, key: RoomKey | undefined): HTMLElement {
  if (now === undefined)
    return element(
      "p",
      { "data-plan": "none" },
      "You are not in the room: nothing can be sent, and its members are not tracked any more.",
    );
  const { share, rotate } = planFor(key, now);
  const { devices, uncertain } = now;
  const kind = key === undefined ? "first" : rotate.length > 0 ? "rotate" : share.length > 0 ? "share" : "ready";
  const reached = new Set(devices.map(({ userId }) => userId)).size;
  return element(
    "div",
    { "data-plan": kind, "data-devices": devices.length, "data-share": share.length },
    element("p", {}, element("strong", {}, `${count(devices.length)} of ${people(reached)}`), " would get it."),
    element("p", { class: "what" }, PLANS[kind](share.length)),
    rotate.length > 0 &&
      element(
        "ul",
        { class: "reasons" },
        ...rotate.map((reason) =>
          element("li", { "data-rotate": reason.type }, `${rotateWords(reason, holderName(key))}.`),
        ),
      ),
    uncertain.length > 0 &&
      element(
        "p",
        { class: "uncertain", "data-uncertain": uncertain.length },
        `Uncertain: ${nameThem(uncertain)}. A device may be missing, or still listed after it was removed; sending looks again.`,
      ),
  );
}

const PLANS: Readonly<Record<"first" | "rotate" | "share" | "ready", (share: number) => string>> = {
  first: () => "It is the first message: a key is made and given to all of them.",
  rotate: () => "A new key is made first and given to all of them, because",
  share: (share) =>
    `The key is given to ${share === 1 ? "one more device" : `${share} more devices`}; the others have it.`,
  ready: () => "All of them have the key.",
};
