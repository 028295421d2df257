import type { DeviceKeysByUser, UserDeviceKeys, UserId } from "matrix-device-tracker";
import { standingOf, type Timeline } from "../diagram/timeline.js";
import { devices, nameThem, shortName } from "./names.js";

/** What a call of `getDeviceKeys` was answered with. `before`: the timeline without the answer. */
export function answerSentence(before: Timeline, call: number, result: DeviceKeysByUser): string {
  const from = before.calls.find((one) => one.call === call)?.from ?? 0;
  const wasQueried = (userId: UserId) =>
    before.bars.some((bar) => bar.userId === userId && bar.end === "answered" && (bar.to ?? 0) >= from);
  const isLate = (userId: UserId, { freshness }: UserDeviceKeys) =>
    freshness === "superseded" && standingOf(before, userId) === "current";

  const [cached, fetched, late]: [UserId[], string[], UserId[]] = [[], [], []];
  for (const [userId, keys] of result) {
    if (isLate(userId, keys)) late.push(userId);
    else if (keys.freshness === "current" && !wasQueried(userId)) cached.push(userId);
    else fetched.push(`${shortName(userId)}: ${outcome(keys, wasQueried(userId))}`);
  }
  if (cached.length > 0) fetched.push(`${nameThem(cached)} from the cache, without a request`);
  return [
    ...(fetched.length === 0 ? [] : [`Answered. ${fetched.join("; ")}.`]),
    ...late.map((userId) => lateSentence(before, userId)),
  ].join(" ");
}

function outcome({ freshness, deviceKeys, lastKnown }: UserDeviceKeys, wasQueried: boolean): string {
  switch (freshness) {
    case "unreachable":
      if (!wasQueried) return "unreachable a moment ago, so the last known list at once, and a query in the background";
      return lastKnown === undefined ? "unreachable" : "unreachable, and the last known list stays";
    case "superseded":
      return `${devices(deviceKeys.size)}, superseded by a change: look up again`;
    default:
      return `${devices(deviceKeys.size)}, ${freshness}`;
  }
}

/** The race is won: the newer answer came first. */
function lateSentence({ bars }: Timeline, userId: UserId): string {
  const newer = bars.findLast((bar) => bar.userId === userId && bar.verdict === "current");
  const list = newer?.devices === undefined ? "" : ` with ${devices(newer.devices)}`;
  return `The late answer for ${shortName(userId)} is superseded, so it is not cached: the newer list${list} stays.`;
}

/** What a query in the background brought; `undefined` if no user became current who was unreachable. */
export function backgroundSentence(before: Timeline, result: DeviceKeysByUser): string | undefined {
  const back = [...result].filter(
    ([userId, { freshness }]) => freshness === "current" && standingOf(before, userId) === "unreachable",
  );
  if (back.length === 0) return undefined;
  const lists = back.map(([userId, { deviceKeys }]) => `${shortName(userId)}: ${devices(deviceKeys.size)}, current`);
  return `The query in the background was answered. ${lists.join("; ")}.`;
}
