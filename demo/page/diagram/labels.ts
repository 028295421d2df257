import { element } from "../dom/element.js";
import { serverOf, shortName } from "../words/names.js";
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
      const row = label(laneHeight, shortName(userId), serverOf(userId));
      row.classList.add("user");
      row.dataset.label = userId;
      row.dataset.standing = standing;
      row.append(
        element(
          "span",
          { class: `chip ${standing}` },
          glyphIcon(standing),
          standing === "unknown" ? "not looked up" : standing,
        ),
      );
      return row;
    }),
  ];
}

function label(height: number, name: string, subtitle: string): HTMLElement {
  const row = element(
    "div",
    { class: "row" },
    element("span", { class: "what" }, ...breakable(name)),
    element("span", { class: "subtitle" }, subtitle),
  );
  row.style.height = `${height}px`;
  return row;
}

/** A camel-case name that a narrow column may break before its last part. */
function breakable(name: string): (Node | string)[] {
  const [, head, tail] = /^(.*[a-z])([A-Z][a-z]+)$/.exec(name) ?? [];
  return head === undefined || tail === undefined ? [name] : [head, element("wbr"), tail];
}
