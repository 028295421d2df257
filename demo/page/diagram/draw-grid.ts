import { svg } from "../dom/element.js";
import type { Sheet } from "./sheet.js";
import type { Timeline } from "./timeline.js";

/** The paper: a line for each second, a stronger one between lanes, and a gap where the time stood still. */
export function drawGrid(
  timeline: Timeline,
  { x, geometry, whileNow }: Sheet,
  height: number,
  tops: readonly number[],
): SVGElement {
  const seconds = svg("path", { class: "seconds" });
  const rules = svg("path", { class: "rules" });
  whileNow((nowX) => {
    const right = Math.max(nowX + geometry.after, 2_000);
    let d = "";
    for (let left = x(timeline.origin); left < right; left += geometry.pxPerSecond) d += `M${left} 0V${height}`;
    seconds.setAttribute("d", d);
    rules.setAttribute("d", tops.map((top) => `M0 ${top}H${right}`).join(""));
  });

  const rests = timeline.rests.map(({ at, skipped }) => {
    const middle = x(at) - geometry.pxPerSecond * 0.45;
    return svg(
      "g",
      { class: "rest", "data-rest": "" },
      svg("path", { d: `M${middle - 4} 0V${height}h8V0Z`, class: "gap" }),
      svg("path", { d: `M${middle - 4} 0V${height}M${middle + 4} 0V${height}`, class: "edges" }),
      svg("text", { x: middle, y: height - 6, "text-anchor": "middle" }, duration(skipped)),
    );
  });
  return svg("g", { class: "grid" }, seconds, rules, ...rests);
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 100 ? `${seconds} s later` : `${Math.round(seconds / 60)} min later`;
}
