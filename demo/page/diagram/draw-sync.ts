import type { UserId } from "matrix-device-tracker";
import { svg } from "../dom/element.js";
import type { SyncRole } from "../events/tab-state.js";
import { briefName, shortName, together } from "../words/names.js";
import { glyph } from "./glyphs.js";
import type { Sheet } from "./sheet.js";
import type { Shift, Step, Timeline } from "./timeline.js";

/** The least distance between labels of one height, in px. */
const LABEL_ROOM = 92;
/** In a label, in characters. */
const LONGEST_NAME = 12;
/** The width of a character at most, in px. */
const CHARACTER = 7;
/** Above the line, below it if that is taken, or left out: the marble has the letter too. */
const LABEL_HEIGHTS = [-17, 26];

/**
 * The sync stream: a line that shows which tab syncs, and a marble for each response, a large one if it names users.
 */
export function drawSync({ steps, shifts }: Timeline, sheet: Sheet): SVGElement {
  const { x, geometry } = sheet;
  const y = geometry.syncHeight / 2;
  const lines = shifts.map((shift, index) =>
    svg("g", { transform: `translate(0 ${y})` }, ...drawShift(shift, shifts[index + 1], index === 0, sheet)),
  );

  const last = LABEL_HEIGHTS.map(() => -Infinity);
  const marbles = steps.map((step) => {
    const free = last.findIndex((lastX) => x(step.at) - lastX > LABEL_ROOM);
    if (free >= 0 && label(step) !== undefined) last[free] = x(step.at);
    return svg("g", { transform: `translate(${x(step.at)} ${y})` }, ...marble(step, x(step.at), LABEL_HEIGHTS[free]));
  });
  return svg("g", { class: "sync", "data-lane": "sync" }, ...lines, ...marbles);
}

const BY: Readonly<Record<SyncRole, { readonly line: string; readonly title: string }>> = {
  "this tab": { line: "here", title: "this tab syncs" },
  "each tab": { line: "here", title: "this tab syncs, and so does every other" },
  "another tab": { line: "elsewhere", title: "another tab syncs, this one follows" },
  "no tab": { line: "nowhere", title: "no tab syncs" },
};

function drawShift(
  { from, role }: Shift,
  next: Shift | undefined,
  first: boolean,
  { x, whileNow }: Sheet,
): SVGElement[] {
  const { line, title } = BY[role];
  const left = first ? 0 : x(from); // the first one needs no mark
  const stream = svg(
    "line",
    { class: `stream ${line}`, x1: left, x2: left, "data-shift": role },
    svg("title", {}, title),
  );
  if (next === undefined) whileNow((nowX) => stream.setAttribute("x2", String(Math.max(nowX, left))));
  else stream.setAttribute("x2", String(x(next.from)));
  return first
    ? [stream]
    : [stream, svg("path", { class: "shift", d: `M${left}-9V9` }, svg("title", {}, `from here on, ${title}`))];
}

function marble(step: Step, left: number, labelY: number | undefined): SVGElement[] {
  const text = label(step);
  const title = svg(
    "title",
    {},
    text === undefined ? "a sync response that names no users" : `a sync response: ${text}`,
  );
  if (text === undefined) return [svg("circle", { r: 3, class: "nothing", "data-step": "nothing" }, title)];
  const shift = Math.max((text.length * CHARACTER) / 2 - left, 0); // a label at the beginning must not be cut off
  const kind = step.initial ? "initial" : step.changed.length > 0 ? "changed" : "left";
  const users = [...step.changed, ...step.left];
  const inside =
    users.length === 1
      ? shortName(users[0] ?? "")
          .slice(0, 1)
          .toUpperCase()
      : String(users.length);
  return [
    svg("circle", { r: 12.5, class: "ground" }),
    svg("circle", { r: step.initial ? 5 : 10, class: `marble ${kind}`, "data-step": kind }, title),
    ...(step.initial ? [] : [svg("text", { class: `inside ${kind}`, y: 4, "text-anchor": "middle" }, inside)]),
    ...(labelY === undefined
      ? []
      : [svg("text", { class: "label", x: shift, y: labelY, "text-anchor": "middle" }, text)]),
  ];
}

function label({ initial, changed, left }: Step): string | undefined {
  if (changed.length + left.length === 0) return initial ? "first sync" : undefined;
  return [changed.length > 0 && `${short(changed)} changed`, left.length > 0 && `${short(left)} left`]
    .filter(Boolean)
    .join(", ");
}

const short = (users: readonly UserId[]) =>
  users.length < 3 ? together(users.map((userId) => briefName(userId, LONGEST_NAME))) : `${users.length} users`;

/** Threads from each announcement down to the users that it names. */
export function drawThreads(
  timeline: Timeline,
  { x, geometry }: Sheet,
  laneTop: (index: number) => number,
): SVGElement {
  const threads = timeline.steps.flatMap(({ at, changed, left }) =>
    [...changed, ...left].flatMap((userId) => {
      const index = timeline.users.indexOf(userId);
      if (index < 0) return [];
      const end = laneTop(index) + geometry.laneHeight - geometry.barHeight * 2;
      const mark = svg("g", { transform: `translate(${x(at)} ${end + 4})` }, glyph("announced"));
      return [
        svg("line", { class: "thread", x1: x(at), x2: x(at), y1: geometry.syncHeight / 2 + 10, y2: end - 3 }),
        mark,
      ];
    }),
  );
  return svg("g", { class: "threads" }, ...threads);
}
