import type { Freshness } from "matrix-device-tracker";
import { describe, expect, it } from "vitest";
import { emptyTimeline, reduceTimeline } from "../../demo/page/diagram/reduce-timeline.js";
import { standingOf } from "../../demo/page/diagram/timeline.js";
import type { TrackerEvent } from "../../demo/page/events/tracker-event.js";
import { emptyRoster, reduceRoster } from "../../demo/page/people/roster.js";
import { listOf } from "./list-of.js";

const ME = "@me:x.example";
const BOB = "@bob:x.example";
const USERS = [BOB, ME];

const answered = (freshness: Freshness): TrackerEvent => ({
  type: "call-answered",
  call: 1,
  result: new Map(USERS.map((userId) => [userId, listOf(freshness)])),
});
const known = (freshness: Freshness): TrackerEvent => ({
  type: "known",
  result: new Map(USERS.map((userId) => [userId, listOf(freshness)])),
});
const changed: TrackerEvent = { type: "announced", changed: USERS, left: [] };
const left: TrackerEvent = { type: "announced", changed: [], left: USERS };
const tracked = (...users: string[]): TrackerEvent => ({ type: "tracked", users: new Set(users) });

/** What Bob's lane and our own say after these events, once it is the same as what the cards say. */
function standingsAfter(...events: readonly TrackerEvent[]): readonly string[] {
  let [timeline, roster] = [emptyTimeline(USERS, ME), emptyRoster(USERS, ME)];
  for (const [i, event] of events.entries()) {
    timeline = reduceTimeline(timeline, { ...event, at: i });
    roster = reduceRoster(roster, { ...event, at: i });
    for (const userId of USERS) expect(roster.get(userId)?.standing).toBe(standingOf(timeline, userId));
  }
  return USERS.map((userId) => standingOf(timeline, userId));
}

describe("the standing of a user in the demo, on their card and in their lane,", () => {
  it.for<readonly [string, readonly TrackerEvent[], readonly [bob: string, me: string]]>([
    ["is unknown until the first result", [changed, tracked(BOB, ME), left], ["unknown", "unknown"]],
    ["is that of the result", [answered("current")], ["current", "current"]],
    ["is outdated after a change", [answered("current"), changed], ["outdated", "outdated"]],
    ["is untracked after leaving, except our own", [answered("current"), left], ["untracked", "outdated"]],
    ["is outdated once tracked again", [answered("untracked"), tracked(BOB, ME)], ["outdated", "outdated"]],
    ["is untracked if the tracker says so", [answered("current"), tracked(ME)], ["untracked", "current"]],
    [
      "is unreachable until there is an answer",
      [answered("current"), answered("unreachable")],
      ["unreachable", "unreachable"],
    ],
    [
      "is current after the server is back",
      [answered("unreachable"), changed, answered("current")],
      ["current", "current"],
    ],
    ["is not changed by a late answer", [answered("current"), answered("superseded")], ["current", "current"]],
    ["is superseded if a first answer is", [answered("superseded")], ["superseded", "superseded"]],
    [
      "is superseded if the tracker doubts a list",
      [answered("current"), known("superseded")],
      ["superseded", "superseded"],
    ],
  ])("%s", ([, events, expected]) => {
    expect(standingsAfter(...events)).toEqual(expected);
  });

  it("never differs between the two, in any order of three events", () => {
    const events = [
      ...(["current", "superseded", "untracked", "unreachable", "outdated"] as const).flatMap((freshness) => [
        answered(freshness),
        known(freshness),
      ]),
      ...[changed, left, tracked(ME), tracked(BOB, ME)],
    ];
    for (const first of events)
      for (const second of events) for (const third of events) standingsAfter(first, second, third);
  });
});
