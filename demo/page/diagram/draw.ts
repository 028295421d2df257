import { svg } from "../dom/element.js";
import { drawCalls } from "./draw-calls.js";
import { drawGrid } from "./draw-grid.js";
import { drawLane } from "./draw-lane.js";
import { drawSync, drawThreads } from "./draw-sync.js";
import type { Geometry } from "./geometry.js";
import type { Sheet } from "./sheet.js";
import type { Timeline } from "./timeline.js";

export interface Drawing {
  readonly nodes: readonly SVGElement[];
  readonly height: number;
  /** Extends everything that is still going on up to this time. */
  moveTo(now: number): void;
}

/** Draws the whole timeline, a few hundred shapes, after each event. Between events, only `moveTo` runs. */
export function draw(timeline: Timeline, geometry: Geometry): Drawing {
  const moves: ((nowX: number) => void)[] = [];
  const x = (at: number) => geometry.before + ((at - timeline.origin) / 1_000) * geometry.pxPerSecond;
  const sheet: Sheet = { geometry, x, whileNow: (move) => moves.push(move) };

  const lanesTop = geometry.syncHeight + geometry.callsHeight;
  const height = lanesTop + timeline.users.length * geometry.laneHeight;
  const laneTop = (index: number) => lanesTop + index * geometry.laneHeight;

  const now = svg(
    "g",
    {},
    svg("line", { class: "now", y1: 0, y2: height }),
    svg("text", { class: "now-label", x: 5, y: 13 }, "now"),
  );
  moves.push((nowX) => now.setAttribute("transform", `translate(${nowX} 0)`));

  const nodes = [
    hatching(),
    drawGrid(timeline, sheet, height, [geometry.syncHeight, ...timeline.users.map((_, index) => laneTop(index))]),
    now,
    drawThreads(timeline, sheet, laneTop),
    drawSync(timeline, sheet),
    svg("g", { transform: `translate(0 ${geometry.syncHeight})` }, drawCalls(timeline, sheet)),
    ...timeline.users.map((userId, index) =>
      svg("g", { transform: `translate(0 ${laneTop(index)})` }, drawLane(timeline, userId, sheet)),
    ),
  ];
  return {
    nodes,
    height,
    moveTo: (moment) => {
      for (const move of moves) move(x(moment));
    },
  };
}

function hatching(): SVGElement {
  const pattern = svg("pattern", {
    id: "hatching",
    width: 6,
    height: 6,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)",
  });
  pattern.append(svg("line", { x1: 0, y1: 0, x2: 0, y2: 6, class: "hatch" }));
  return svg("defs", {}, pattern);
}
