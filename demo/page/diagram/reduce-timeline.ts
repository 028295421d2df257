import type { UserId } from "matrix-device-tracker";
import { changedStandings } from "../events/standing.js";
import type { TimedEvent } from "../events/tracker-event.js";
import { dropBefore } from "./drop-before.js";
import { judgeAnswers, judgeUnasked } from "./judge-answers.js";
import { freeRow } from "./rows.js";
import { standingOf, syncRoleOf, type Bar, type Call, type Timeline } from "./timeline.js";

/** How much of the past is kept, in ms of the diagram's time, and how much is dropped at once. */
const KEPT = 120_000;
const DROPPED_AT_ONCE = 30_000;
/** How long a call keeps its row, in ms: its label needs room. */
const CALL_ROOM = 1_500;

export function emptyTimeline(users: readonly UserId[], own: UserId): Timeline {
  return { users, own, origin: 0, steps: [], calls: [], bars: [], hits: [], stretches: [], rests: [], shifts: [] };
}

export function reduceTimeline(before: Timeline, event: TimedEvent): Timeline {
  const timeline = event.at - before.origin < KEPT + DROPPED_AT_ONCE ? before : dropBefore(before, event.at - KEPT);
  return restand(withShapes(timeline, event), event);
}

/** Adds what the event shows: a marble, a bar, the end of one. */
function withShapes(timeline: Timeline, event: TimedEvent): Timeline {
  const { at } = event;
  switch (event.type) {
    case "synced": {
      const { initial, changed, left } = event;
      return { ...timeline, steps: [...timeline.steps, { at, initial, changed, left }] };
    }
    case "announced":
      return supersede(timeline, at, new Set([...event.changed, ...event.left]));
    case "query-sent":
      return startQuery(timeline, at, event.query, event.users);
    case "query-answered":
      return markUnreachable(endQuery(timeline, event.query, { to: at, end: "answered" }), event);
    case "query-aborted":
      return endQuery(timeline, event.query, { to: at, end: "aborted" });
    case "query-failed":
      return endQuery(timeline, event.query, { to: at, end: "failed" });
    case "call-started": {
      const { call, users, forced } = event;
      return {
        ...timeline,
        calls: [...timeline.calls, { call, users, forced, from: at, row: rowForCall(timeline, at) }],
      };
    }
    case "call-answered":
      return endCall(judgeAnswers(timeline, at, event.call, event.result), event.call, { to: at, end: "answered" });
    case "known":
      return judgeUnasked(timeline, event.result);
    case "call-unsubscribed":
      return endCall(timeline, event.call, { to: at, end: "unsubscribed" });
    case "call-failed":
      return endCall(timeline, event.call, { to: at, end: "failed" });
    case "tabs":
      return event.role === syncRoleOf(timeline)
        ? timeline
        : { ...timeline, shifts: [...timeline.shifts, { from: at, role: event.role }] };
    case "rested":
      return { ...timeline, rests: [...timeline.rests, { at, skipped: event.skipped }] };
    default:
      return timeline;
  }
}

function restand(timeline: Timeline, event: TimedEvent): Timeline {
  const before = new Map(timeline.users.map((userId) => [userId, standingOf(timeline, userId)]));
  const changed = changedStandings(event, before, timeline.own);
  if (changed.size === 0) return timeline;
  const stretches = Array.from(changed, ([userId, standing]) => ({ userId, from: event.at, standing }));
  return { ...timeline, stretches: [...timeline.stretches, ...stretches] };
}

function supersede(timeline: Timeline, at: number, touched: ReadonlySet<UserId>): Timeline {
  const isSuperseded = ({ to, supersededAt, userId }: Bar) =>
    to === undefined && supersededAt === undefined && touched.has(userId);
  return {
    ...timeline,
    bars: timeline.bars.map((bar) => (isSuperseded(bar) ? { ...bar, supersededAt: at } : bar)),
  };
}

function startQuery(timeline: Timeline, from: number, query: number, users: readonly UserId[]): Timeline {
  const bars = users.map((userId): Bar => {
    const others = timeline.bars.filter((bar) => bar.userId === userId);
    return { query, userId, from, row: freeRow(others, from) };
  });
  return { ...timeline, bars: [...timeline.bars, ...bars] };
}

function endQuery(timeline: Timeline, query: number, end: Pick<Bar, "to" | "end">): Timeline {
  return {
    ...timeline,
    bars: timeline.bars.map((bar) => (bar.query === query && bar.to === undefined ? { ...bar, ...end } : bar)),
  };
}

function markUnreachable(
  timeline: Timeline,
  { query, unreachable }: TimedEvent & { type: "query-answered" },
): Timeline {
  const isMeant = (bar: Bar) => bar.query === query && unreachable.includes(bar.userId);
  const bars = timeline.bars.map((bar) => (isMeant(bar) ? { ...bar, verdict: "unreachable" as const } : bar));
  return { ...timeline, bars };
}

function rowForCall({ calls }: Timeline, at: number): number {
  const taken = calls.map(({ row, from, to }) =>
    to === undefined ? { row } : { row, to: Math.max(to, from + CALL_ROOM) },
  );
  return freeRow(taken, at);
}

function endCall(timeline: Timeline, call: number, end: Pick<Call, "to" | "end">): Timeline {
  return { ...timeline, calls: timeline.calls.map((one) => (one.call === call ? { ...one, ...end } : one)) };
}
