import type { DeviceKeysByUser, UserId } from "matrix-device-tracker";
import { syncRoleOf, type Timeline } from "../diagram/timeline.js";
import type { TimedEvent } from "../events/tracker-event.js";
import { devices, nameThem, shortName, together } from "./names.js";
import { shiftSentence, takeOverSentence } from "./tab-words.js";
import { changesIn } from "./update-words.js";

/** What happened, told to a person; nothing where there is nothing to tell. `before`: the timeline without it. */
export function sentence(before: Timeline, event: TimedEvent): string | undefined {
  switch (event.type) {
    case "synced": {
      const { heard, initial, changed, left } = event;
      if (initial)
        return heard
          ? "The tab that syncs passes its first sync on, which announces nobody."
          : "First sync: it says where the stream is, and announces nobody.";
      const news = [
        changed.length > 0 && `${nameThem(changed)} changed`,
        left.length > 0 && `${nameThem(left)} left`,
      ].filter((part) => part !== false);
      return news.length === 0
        ? undefined
        : `${heard ? "The tab that syncs passes on" : "The server announces"}: ${news.join("; ")}.`;
    }
    case "announced": {
      const touched = new Set([...event.changed, ...event.left]);
      const late = before.bars
        .filter(({ to, supersededAt, userId }) => to === undefined && supersededAt === undefined && touched.has(userId))
        .map(({ userId }) => userId);
      return late.length === 0
        ? undefined
        : `The query on its way for ${nameThem(late)} is superseded: its answer may be the older list.`;
    }
    case "tabs":
      return shiftSentence(syncRoleOf(before), event.role);
    case "took-over":
      return takeOverSentence(event.by, event.takeOver);
    case "query-sent":
      return `Asking the server about ${nameThem(event.users)}.`;
    case "query-aborted":
      return "Nobody waits for the query any more: it is aborted.";
    case "query-failed":
      return `The query failed: ${event.message}`;
    case "answered":
      return told(before, event.call, event.result);
    case "updated": {
      const told = changesIn(event.update, event.names).filter(({ kind, grave }) => grave || kind === "cross-signed");
      return told.length === 0
        ? undefined
        : `${shortName(event.update.userId)}: ${told.map(({ text }) => text).join(" ")}`;
    }
    case "claimed":
      return event.contested.length === 0
        ? undefined
        : event.contested
            .map(
              (claimants) =>
                `${together(claimants.map(({ name }) => name))} claim one key: a message from it is attributed to nobody.`,
            )
            .join(" ");
    case "acknowledged":
      return `The new identity of ${shortName(event.userId)} is acknowledged${event.heard ? ", in another tab" : ""}.`;
    case "unsubscribed":
      return "We unsubscribe.";
    default:
      return undefined;
  }
}

function told(before: Timeline, call: number, result: DeviceKeysByUser): string {
  const from = before.calls.find((one) => one.call === call)?.from ?? 0;
  const asked = (userId: UserId) =>
    before.bars.some((bar) => bar.userId === userId && bar.end === "answered" && (bar.to ?? 0) >= from);
  const cached = [...result]
    .filter(([userId, { freshness }]) => freshness === "current" && !asked(userId))
    .map(([userId]) => userId);
  const fetched = [...result].filter(([userId]) => !cached.includes(userId));
  const parts = fetched.map(
    ([userId, { freshness, deviceKeys }]) =>
      `${shortName(userId)}: ${freshness === "unreachable" ? "unreachable" : `${devices(deviceKeys.size)}, ${freshness}`}`,
  );
  if (cached.length > 0) parts.push(`${nameThem(cached)} from the cache, without a request`);
  return `Answered. ${parts.join("; ")}.`;
}
