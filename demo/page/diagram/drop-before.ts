import type { Timeline } from "./timeline.js";

/** Drops what ended before this moment. Each user's standing at that time is kept, and which tab was syncing. */
export function dropBefore(timeline: Timeline, before: number): Timeline {
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
