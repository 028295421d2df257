import type { DeviceKeysByUser } from "matrix-device-tracker";
import type { Bar, Timeline } from "./timeline.js";

/** Gives answers their verdicts that no call has waited for, as for a homeserver that failed a moment ago. */
export function judgeUnasked(timeline: Timeline, result: DeviceKeysByUser): Timeline {
  const isUnasked = ({ end, verdict, supersededAt }: Bar) =>
    end === "answered" && verdict === undefined && supersededAt === undefined;
  return {
    ...timeline,
    bars: timeline.bars.map((bar) => {
      const { freshness, deviceKeys } = result.get(bar.userId) ?? {};
      return isUnasked(bar) && freshness === "current"
        ? { ...bar, verdict: freshness, devices: deviceKeys?.size ?? 0 }
        : bar;
    }),
  };
}

/**
 * Gives the answers that a call's result is made of their verdicts, and marks users who were answered without a query.
 */
export function judgeAnswers(timeline: Timeline, at: number, call: number, result: DeviceKeysByUser): Timeline {
  const from = timeline.calls.find((one) => one.call === call)?.from ?? at;
  let { bars, hits } = timeline;
  for (const [userId, { freshness, deviceKeys }] of result) {
    const answers = bars.filter((bar) => bar.userId === userId && bar.end === "answered" && (bar.to ?? 0) >= from);
    const pending = answers.find(({ verdict }) => verdict === undefined);
    if (pending !== undefined)
      bars = bars.map((bar) => (bar === pending ? { ...bar, verdict: freshness, devices: deviceKeys.size } : bar));
    else if (answers.length === 0 && freshness === "current")
      hits = [...hits, { at, userId, devices: deviceKeys.size }];
  }
  return { ...timeline, bars, hits };
}
