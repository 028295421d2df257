import { svg } from "../dom/element.js";
import { briefName, nameThem } from "../words/names.js";
import { glyph } from "./glyphs.js";
import { rowOffset } from "./geometry.js";
import type { Sheet } from "./sheet.js";
import type { Call, Timeline } from "./timeline.js";

/** Calls of `getDeviceKeys`: a line from each subscription to its value. */
export function drawCalls({ calls, users }: Timeline, sheet: Sheet): SVGElement {
  return svg(
    "g",
    { class: "calls", "data-lane": "calls" },
    ...calls.map((call) => drawCall(call, users.length, sheet)),
  );
}

/** In a label, in characters. */
const LONGEST_NAME = 12;

function drawCall(call: Call, userCount: number, { x, geometry, whileNow }: Sheet): SVGElement {
  const from = x(call.from);
  const y = geometry.callsHeight - 12 - rowOffset(geometry, call.row);
  const line = svg("line", { class: "wait", x1: from, x2: from });
  if (call.to === undefined) whileNow((nowX) => line.setAttribute("x2", String(nowX)));
  else line.setAttribute("x2", String(x(call.to)));
  const isAll = call.users.length > 1 && call.users.length >= userCount;
  const wanted = isAll ? "all users" : nameThem(call.users);
  const [only = ""] = call.users;
  const short = isAll ? wanted : call.users.length === 1 ? briefName(only, LONGEST_NAME) : `${call.users.length} users`;
  return svg(
    "g",
    { class: `call ${call.end ?? "open"}`, "data-call": call.end ?? "open", transform: `translate(0 ${y})` },
    svg("title", {}, `getDeviceKeys for ${wanted}: ${ENDS[call.end ?? "open"]}`),
    line,
    svg("circle", { class: "start", cx: from, r: 3.5 }),
    call.to !== undefined && svg("g", { transform: `translate(${x(call.to)} 0)` }, ending(call)),
    svg("text", { class: "label", x: from - 3, y: -6 }, call.forced ? `${short}, forced` : short),
  );
}

const ENDS = { open: "waiting", answered: "answered", unsubscribed: "unsubscribed", failed: "failed" };

function ending({ end }: Call): SVGElement {
  if (end === "unsubscribed") return glyph("aborted");
  if (end === "failed") return glyph("failed");
  return svg("circle", { class: "value", r: 3.5 });
}
