import type { DeviceKeysByUser, UserId } from "matrix-device-tracker";
import type { TimedEvent } from "../events/tracker-event.js";
import { standingOf, syncRoleOf, type Bar, type Call, type Standing, type Timeline } from "./timeline.js";

/** How much of the past is kept, in ms of the diagram's time, and how much is dropped at once. */
const KEPT = 120_000;
const DROPPED_AT_ONCE = 30_000;
/** How long a call keeps its row, in ms: its label needs room. */
const CALL_ROOM = 1_500;

export function emptyTimeline(users: readonly UserId[], own: UserId): Timeline {
  return {
    users,
    own,
    origin: 0,
    tracked: new Set(),
    steps: [],
    calls: [],
    bars: [],
    hits: [],
    stretches: [],
    rests: [],
    shifts: [],
  };
}

export function reduceTimeline(before: Timeline, event: TimedEvent): Timeline {
  const timeline = event.at - before.origin < KEPT + DROPPED_AT_ONCE ? before : dropBefore(before, event.at - KEPT);
  const { at } = event;
  switch (event.type) {
    case "synced": {
      const { initial, changed, left } = event;
      return { ...timeline, steps: [...timeline.steps, { at, initial, changed, left }] };
    }
    case "announced": {
      const touched = new Set([...event.changed, ...event.left]);
      const bars = timeline.bars.map((bar) =>
        bar.to === undefined && bar.supersededAt === undefined && touched.has(bar.userId)
          ? { ...bar, supersededAt: at }
          : bar,
      );
      const left = event.left.filter((userId) => userId !== timeline.own);
      return stand(stand({ ...timeline, bars }, at, event.changed, "outdated"), at, left, "untracked");
    }
    case "tracked": {
      const isNew = (userId: UserId) =>
        event.users.has(userId) && !["current", "outdated"].includes(standingOf(timeline, userId));
      const shown = stand({ ...timeline, tracked: event.users }, at, timeline.users.filter(isNew), "outdated");
      return stand(
        shown,
        at,
        timeline.users.filter((userId) => !event.users.has(userId)),
        "untracked",
      );
    }
    case "query-sent": {
      const bars = event.users.map((userId): Bar => ({
        query: event.query,
        userId,
        from: at,
        row: freeRow(
          timeline.bars.filter((bar) => bar.userId === userId),
          at,
        ),
      }));
      return { ...timeline, bars: [...timeline.bars, ...bars] };
    }
    case "query-answered":
      return endQuery(timeline, event.query, { to: at, end: "answered" });
    case "query-aborted":
      return endQuery(timeline, event.query, { to: at, end: "aborted" });
    case "query-failed":
      return endQuery(timeline, event.query, { to: at, end: "failed" });
    case "call-started": {
      const taken = timeline.calls.map((call) =>
        call.to === undefined ? call : { ...call, to: Math.max(call.to, call.from + CALL_ROOM) },
      );
      const { call, users, forced } = event;
      return { ...timeline, calls: [...timeline.calls, { call, users, forced, from: at, row: freeRow(taken, at) }] };
    }
    case "call-answered":
      return endCall(
        judge(
          timeline,
          at,
          event.result,
          timeline.calls.find(({ call }) => call === event.call),
        ),
        event.call,
        { to: at, end: "answered" },
      );
    case "call-unsubscribed":
      return endCall(timeline, event.call, { to: at, end: "unsubscribed" });
    case "call-failed":
      return endCall(timeline, event.call, { to: at, end: "failed" });
    case "known":
      return settle(timeline, at, event.result);
    case "tabs":
      return event.role === syncRoleOf(timeline)
        ? timeline
        : { ...timeline, shifts: [...timeline.shifts, { from: at, role: event.role }] };
    case "took-over":
    case "updated":
    case "claimed":
    case "acknowledged":
      return timeline;
    case "rested":
      return { ...timeline, rests: [...timeline.rests, { at, skipped: event.skipped }] };
  }
}

/** Gives the answers in a result their verdict, and marks the users who were answered without a request. */
function judge(timeline: Timeline, at: number, result: DeviceKeysByUser, call: Call | undefined): Timeline {
  let { bars, hits } = timeline;
  for (const [userId, { freshness, deviceKeys }] of result) {
    const answers = bars.filter(
      (bar) => bar.userId === userId && bar.end === "answered" && bar.to !== undefined && bar.to >= (call?.from ?? at),
    );
    const pending = answers.find(({ verdict }) => verdict === undefined);
    if (pending !== undefined)
      bars = bars.map((bar) => (bar === pending ? { ...bar, verdict: freshness, devices: deviceKeys.size } : bar));
    else if (answers.length === 0 && freshness === "current")
      hits = [...hits, { at, userId, devices: deviceKeys.size }];
  }
  return settle({ ...timeline, bars, hits }, at, result);
}

function settle(timeline: Timeline, at: number, result: DeviceKeysByUser): Timeline {
  const usersWith = (wanted: string) =>
    [...result].filter(([, { freshness }]) => freshness === wanted).map(([userId]) => userId);
  return (["current", "outdated", "untracked"] as const).reduce(
    (done, standing) => stand(done, at, usersWith(standing), standing),
    timeline,
  );
}

function stand(timeline: Timeline, from: number, users: readonly UserId[], standing: Standing): Timeline {
  const news = users.filter((userId) => timeline.users.includes(userId) && standingOf(timeline, userId) !== standing);
  return news.length === 0
    ? timeline
    : { ...timeline, stretches: [...timeline.stretches, ...news.map((userId) => ({ userId, from, standing }))] };
}

function endQuery(timeline: Timeline, query: number, end: Pick<Bar, "to" | "end">): Timeline {
  return {
    ...timeline,
    bars: timeline.bars.map((bar) => (bar.query === query && bar.to === undefined ? { ...bar, ...end } : bar)),
  };
}

function endCall(timeline: Timeline, call: number, end: Pick<Call, "to" | "end">): Timeline {
  return { ...timeline, calls: timeline.calls.map((one) => (one.call === call ? { ...one, ...end } : one)) };
}

/** The first row that is free at this moment. */
function freeRow(spans: readonly { readonly row: number; readonly to?: number }[], at: number): number {
  const taken = new Set(spans.filter(({ to }) => to === undefined || to > at).map(({ row }) => row));
  let row = 0;
  while (taken.has(row)) row++;
  return row;
}

/** Drops what ended before this moment; each user's standing is kept. */
function dropBefore(timeline: Timeline, before: number): Timeline {
  const recent = ({ to }: { readonly to?: number }) => to === undefined || to >= before;
  const since = ({ at }: { readonly at: number }) => at >= before;
  const { stretches, shifts } = timeline;
  return {
    ...timeline,
    origin: before,
    steps: timeline.steps.filter(since),
    hits: timeline.hits.filter(since),
    rests: timeline.rests.filter(since),
    bars: timeline.bars.filter(recent),
    calls: timeline.calls.filter(recent),
    shifts: shifts.filter((shift, i) => shift.from >= before || (shifts[i + 1]?.from ?? Infinity) > before),
    stretches: stretches.filter(
      (stretch, i) =>
        stretch.from >= before ||
        !stretches.slice(i + 1).some(({ userId, from }) => userId === stretch.userId && from <= before),
    ),
  };
}
