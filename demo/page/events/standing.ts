import type { Freshness, UserId } from "matrix-device-tracker";
import type { TrackerEvent } from "./tracker-event.js";

/** How far a user's list can be relied on, as their card and their lane say. `unknown` until the first result. */
export type Standing = Freshness | "unknown";

/** The users whose standing an event changes. Cards and lanes both follow it, so that they never disagree. */
export function changedStandings(
  event: TrackerEvent,
  before: ReadonlyMap<UserId, Standing>,
  own: UserId,
): ReadonlyMap<UserId, Standing> {
  return new Map(
    Array.from(before).flatMap(([userId, standing]) => {
      const next = standingAfter(event, userId, standing, userId === own);
      return next === standing ? [] : [[userId, next] as const];
    }),
  );
}

function standingAfter(event: TrackerEvent, userId: UserId, before: Standing, own: boolean): Standing {
  switch (event.type) {
    case "announced":
      if (before === "unknown") return before;
      if (event.left.includes(userId) && !own) return "untracked"; // our own user stays tracked
      return event.changed.includes(userId) || event.left.includes(userId) ? "outdated" : before;
    case "tracked":
      if (event.users.has(userId)) return before === "untracked" ? "outdated" : before;
      return before === "unknown" ? before : "untracked";
    case "call-answered": {
      const next = event.result.get(userId)?.freshness ?? before;
      // The answer of a superseded query may arrive after that of its successor.
      return next === "superseded" && before !== "unknown" ? before : next;
    }
    case "known":
      return event.result.get(userId)?.freshness ?? before;
    default:
      return before;
  }
}
