import { element } from "../dom/element.js";
import { serverOf, shortName } from "../words/names.js";
import { STANDINGS } from "../words/standings.js";
import { glyphIcon } from "./glyphs.js";
import type { Geometry } from "./geometry.js";
import { standingOf, syncRoleOf, type Timeline } from "./timeline.js";

/** The names of the lanes, beside the paper and with the same heights. */
export function drawLabels(timeline: Timeline, { syncHeight, callsHeight, laneHeight }: Geometry): HTMLElement[] {
  return [
    label(syncHeight, "sync$", syncRoleOf(timeline) === "another tab" ? "from another tab" : "announcements"),
    label(callsHeight, "getDeviceKeys", "calls"),
    ...timeline.users.map((userId) => {
      const standing = standingOf(timeline, userId);
      const row = label(laneHeight, shortName(userId), serverOf(userId), userId);
      row.classList.add("user");
      row.dataset.label = userId;
      row.dataset.standing = standing;
      row.append(element("span", { class: `chip ${standing}` }, glyphIcon(standing), STANDINGS[standing].word));
      return row;
    }),
  ];
}

function label(height: number, name: string, subtitle: string, title = name): HTMLElement {
  const row = element(
    "div",
    { class: "row" },
    element("span", { class: "what", title }, name),
    element("span", { class: "subtitle" }, subtitle),
  );
  row.style.height = `${height}px`;
  return row;
}
