import type { UserId } from "matrix-device-tracker";
import { svg } from "../dom/element.js";
import { devices, shortName } from "../words/names.js";
import { rowOffset } from "./geometry.js";
import { glyph } from "./glyphs.js";
import type { Sheet } from "./sheet.js";
import type { Bar, Hit, Stretch, Timeline } from "./timeline.js";

/** One user: a line that shows what the tracker has, with the queries and the answers from the cache on it. */
export function drawLane(timeline: Timeline, userId: UserId, sheet: Sheet): SVGElement {
  const { geometry } = sheet;
  const own = <T extends { readonly userId: UserId }>(things: readonly T[]) =>
    things.filter((thing) => thing.userId === userId);
  const stretches = own(timeline.stretches);
  return svg(
    "g",
    { class: "lane", "data-lane": userId, transform: `translate(0 ${geometry.laneHeight - geometry.barHeight - 5})` },
    ...stretches.map((stretch, index) => drawStretch(stretch, stretches[index + 1], sheet)),
    ...own(timeline.bars).map((bar) => drawBar(bar, sheet)),
    ...own(timeline.hits).map((hit) => drawHit(hit, sheet)),
  );
}

function drawStretch({ from, standing }: Stretch, next: Stretch | undefined, { x, whileNow }: Sheet): SVGElement {
  const line = svg("line", { class: `standing ${standing}`, x1: x(from), x2: x(from) });
  if (next === undefined) whileNow((nowX) => line.setAttribute("x2", String(Math.max(nowX, x(from)))));
  else line.setAttribute("x2", String(x(next.from)));
  return line;
}

function drawBar(bar: Bar, { x, geometry, whileNow }: Sheet): SVGElement {
  const { from, to, supersededAt, end, verdict } = bar;
  const top = -geometry.barHeight / 2;
  const whole = svg("rect", { class: "whole", x: x(from), y: top, height: geometry.barHeight, rx: 2.5 });
  const old =
    supersededAt === undefined
      ? undefined
      : svg("rect", { class: "old", x: x(supersededAt), y: top, height: geometry.barHeight });
  const reach = (right: number) => {
    whole.setAttribute("width", String(Math.max(right - x(from), 2)));
    if (supersededAt !== undefined) old?.setAttribute("width", String(Math.max(right - x(supersededAt), 0)));
  };
  if (to === undefined) whileNow(reach);
  else reach(x(to));

  const outcome = outcomeOf(bar);
  return svg(
    "g",
    {
      class: `bar ${outcome ?? "open"}`,
      transform: `translate(0 ${-rowOffset(geometry, bar.row)})`,
      "data-bar": bar.userId,
      "data-query": bar.query,
      "data-end": end ?? "open",
      "data-verdict": verdict,
      "data-superseded": supersededAt !== undefined,
    },
    svg("title", {}, describe(bar)),
    whole,
    old,
    supersededAt !== undefined &&
      svg("line", { class: "cut", x1: x(supersededAt), x2: x(supersededAt), y1: top - 4, y2: -top + 4 }),
    to !== undefined &&
      outcome !== undefined &&
      svg(
        "g",
        { transform: `translate(${x(to)} 0)` },
        glyph(outcome),
        svg("text", { class: "label", x: 10, y: bar.row === 0 ? -6 : 4 }, caption(bar, geometry.after < 100)),
      ),
  );
}

function outcomeOf({ end, verdict }: Bar) {
  if (end === "aborted" || end === "failed") return end;
  return end === "answered" ? (verdict ?? "unknown") : undefined;
}

/** The text after the end of a bar. */
function caption({ end, verdict, devices: count }: Bar, short: boolean): string {
  if (end === "aborted" || end === "failed") return end;
  if (verdict === undefined) return "";
  const list = short ? "" : devices(count ?? 0);
  if (verdict === "current") return devices(count ?? 0);
  return short || verdict === "unreachable" ? verdict : `${verdict}, ${list}`;
}

function describe(bar: Bar): string {
  const took =
    bar.to === undefined
      ? "in flight"
      : `${((bar.to - bar.from) / 1_000).toFixed(1)} s, ${bar.verdict ?? bar.end ?? ""}`;
  return `/keys/query for ${shortName(bar.userId)}: ${took}${bar.supersededAt === undefined ? "" : "; a change arrived in the meantime"}`;
}

function drawHit({ at, devices: count }: Hit, { x }: Sheet): SVGElement {
  return svg(
    "g",
    { class: "cache-hit", "data-hit": "", transform: `translate(${x(at)} 0)` },
    svg("title", {}, `from the cache, without a request: ${devices(count)}`),
    svg("circle", { r: 9, class: "ground" }),
    glyph("hit"),
  );
}
