import { element } from "../dom/element.js";
import { historyLines } from "../words/history-words.js";
import { nameOf } from "../words/device-name.js";
import { moment } from "../words/moment.js";
import type { Person } from "./person.js";

/** Lines shown at most. */
const SHOWN = 8;

/** What became of a user's keys, the latest first. */
export function drawHistory({ history, devices, removed }: Person): HTMLElement | undefined {
  if (history.length === 0) return undefined;
  const lines = historyLines(history, (id) => {
    const device = devices.get(id) ?? removed.get(id);
    return device === undefined ? id : nameOf(id, device);
  });
  const earlier = lines.length - SHOWN;
  return element(
    "details",
    { class: "history" },
    element("summary", { "data-part": "history" }, "Key history"),
    element(
      "ol",
      {},
      ...lines
        .slice(0, SHOWN)
        .map(({ at, text, grave, type }) =>
          element(
            "li",
            { class: grave ? "grave" : undefined, "data-key-event": type },
            element("time", { datetime: new Date(at).toISOString() }, moment(at, Date.now())),
            element("span", {}, text),
          ),
        ),
    ),
    earlier > 0 && element("p", {}, `and ${earlier} earlier`),
  );
}
