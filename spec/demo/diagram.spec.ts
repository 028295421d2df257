import { VirtualTimeScheduler } from "rxjs";
import type { Freshness } from "matrix-device-tracker";
import { describe, expect, it } from "vitest";
import { emptyTimeline, reduceTimeline } from "../../demo/page/diagram/reduce-timeline.js";
import { standingOf, type Timeline } from "../../demo/page/diagram/timeline.js";
import type { TimedEvent, TrackerEvent } from "../../demo/page/events/tracker-event.js";
import type { SyncRole } from "../../demo/page/events/tab-state.js";
import { Recorder } from "../../demo/page/events/recorder.js";
import { listOf } from "./list-of.js";

const ME = "@me:x.example";
const BOB = "@bob:x.example";

const started = (call: number): TrackerEvent => ({ type: "call-started", call, users: [BOB], forced: false });
const sent = (query: number): TrackerEvent => ({ type: "query-sent", query, users: [BOB] });
const answered = (call: number, freshness: Freshness): TrackerEvent => ({
  type: "call-answered",
  call,
  result: new Map([[BOB, listOf(freshness)]]),
});
const ended = (query: number): TrackerEvent => ({ type: "query-answered", query, unreachable: [] });
const changed: TrackerEvent = { type: "announced", changed: [BOB], left: [] };

/** The timeline after these events, 100 ms apart. */
const after = (...events: TrackerEvent[]): Timeline =>
  events.reduce(
    (timeline, event, i) => reduceTimeline(timeline, { ...event, at: i * 100 }),
    emptyTimeline([BOB, ME], ME),
  );

describe("the diagram's timeline", () => {
  it("gives each answer its own verdict when the newer one comes first", () => {
    const { bars } = after(
      started(1),
      sent(1),
      changed,
      started(2),
      sent(2),
      ended(2),
      answered(2, "current"),
      ended(1),
      answered(1, "superseded"),
    );
    expect(bars.map(({ query, row, supersededAt, verdict }) => ({ query, row, supersededAt, verdict }))).toEqual([
      { query: 1, row: 0, supersededAt: 200, verdict: "superseded" },
      { query: 2, row: 1, supersededAt: undefined, verdict: "current" },
    ]);
  });

  it("counts an answer without a query as cached, but not that of a shared query", () => {
    expect(after(started(1), answered(1, "current")).hits).toHaveLength(1);
    expect(
      after(started(1), sent(1), started(2), ended(1), answered(1, "current"), answered(2, "current")).hits,
    ).toHaveLength(0);
  });

  it("records a shift only when another tab syncs", () => {
    const tabs = (role: SyncRole, open: number): TrackerEvent => ({ type: "tabs", role, open });
    const timeline = after(tabs("another tab", 2), tabs("another tab", 3), changed, tabs("this tab", 2));
    expect(timeline.shifts).toEqual([
      { from: 0, role: "another tab" },
      { from: 300, role: "this tab" },
    ]);
    expect(reduceTimeline(timeline, { ...changed, at: 200_000 }).shifts).toEqual([{ from: 300, role: "this tab" }]);
  });

  it("keeps a user's standing through failures and late answers", () => {
    const known = [started(1), sent(1), ended(1), answered(1, "current")] as const;
    expect(standingOf(after(...known, changed, answered(2, "superseded")), BOB)).toBe("outdated");
    expect(standingOf(after(...known, { type: "announced", changed: [], left: [BOB] }), BOB)).toBe("untracked");
    expect(standingOf(after(...known, { type: "tracked", users: new Set([ME, BOB]) }), BOB)).toBe("current");
  });

  it("drops what ended minutes ago, but keeps each user's standing", () => {
    const old = after(started(1), sent(1), ended(1), answered(1, "current"));
    const later = reduceTimeline(old, { ...started(2), at: 200_000 });
    expect(later.bars).toHaveLength(0);
    expect(later.calls.map(({ call }) => call)).toEqual([2]);
    expect(standingOf(later, BOB)).toBe("current");
    expect(later.origin).toBe(80_000);
  });
});

describe("the diagram's time", () => {
  const record = (events: readonly (readonly [at: number, event: TrackerEvent])[]) => {
    const scheduler = new VirtualTimeScheduler();
    const recorder = new Recorder(scheduler);
    const seen: TimedEvent[] = [];
    recorder.events$.subscribe((event) => seen.push(event));
    for (const [at, event] of events) scheduler.schedule(() => recorder.note(event), at);
    scheduler.flush();
    return { seen, recorder };
  };

  it("stands still while nothing is in flight, and says for how long", () => {
    const { seen } = record([
      [100, changed],
      [60_100, changed],
    ]);
    expect(seen.map(({ type, at }) => [type, at])).toEqual([
      ["announced", 100],
      ["rested", 1_600],
      ["announced", 1_600],
    ]);
    expect(seen[1]).toMatchObject({ skipped: 58_500 });
  });

  it("goes on while something is in flight", () => {
    const { seen, recorder } = record([
      [100, sent(1)],
      [60_100, { type: "query-aborted", query: 1 }],
    ]);
    expect(seen.map(({ at }) => at)).toEqual([100, 60_100]);
    expect(recorder.resting()).toBe(false);
  });
});
