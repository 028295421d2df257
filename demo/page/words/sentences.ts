import type { UserId } from "matrix-device-tracker";
import { syncRoleOf, type Timeline } from "../diagram/timeline.js";
import type { TimedEvent } from "../events/tracker-event.js";
import { answerSentence, backgroundSentence } from "./answer-sentence.js";
import { decisionSentence } from "./decision-words.js";
import { nameThem, shortName, together } from "./names.js";
import { shiftSentence, takeOverSentence } from "./tab-words.js";
import { changesIn } from "./update-words.js";

/**
 * What happened, in a sentence; `undefined` if it is not worth one.
 *
 * @param before the timeline without the event
 */
export function sentence(before: Timeline, event: TimedEvent): string | undefined {
  switch (event.type) {
    case "synced":
      return syncSentence(event);
    case "announced":
      return supersededSentence(before, event);
    case "tabs":
      return shiftSentence(syncRoleOf(before), event.role);
    case "took-over":
      return takeOverSentence(event.by, event.takeOver);
    case "query-sent":
      return querySentence(before, event.users);
    case "query-aborted":
      return "No caller is waiting for the query any more, so it is aborted.";
    case "query-failed":
      return `The query failed: ${event.message}`;
    case "call-answered":
      return answerSentence(before, event.call, event.result);
    case "known":
      return backgroundSentence(before, event.result);
    case "call-unsubscribed":
      return "We unsubscribe.";
    case "updated": {
      const changes = changesIn(event.update, event.names).filter(
        ({ kind, grave }) => grave || kind === "cross-signed" || kind === "rekeyed",
      );
      return changes.length === 0
        ? undefined
        : `${shortName(event.update.userId)}: ${changes.map(({ text }) => text).join(" ")}`;
    }
    case "claimed":
      return event.contested.length === 0
        ? undefined
        : event.contested
            .map(
              (claimants) =>
                `${together(claimants.map(({ name }) => name))} claim the same key: a message from it cannot be attributed.`,
            )
            .join(" ");
    case "decided":
      return decisionSentence(event.decision, event.userId, event.elsewhere);
    case "started-over":
      return `${event.elsewhere ? "Another tab started over" : "Started over"}: a new homeserver with new keys, and nothing is saved.`;
    default:
      return undefined;
  }
}

function syncSentence({ elsewhere, initial, changed, left }: TimedEvent & { type: "synced" }): string | undefined {
  if (initial) return "First sync: it returns a position in the stream, and announces no users.";
  const news = [
    changed.length > 0 && `${nameThem(changed)} changed`,
    left.length > 0 && `${nameThem(left)} left`,
  ].filter((part) => part !== false);
  if (news.length === 0) return undefined;
  return `${elsewhere ? "Announced to the syncing tab" : "The server announces"}: ${news.join("; ")}.`;
}

function supersededSentence(
  before: Timeline,
  { changed, left }: TimedEvent & { type: "announced" },
): string | undefined {
  const touched = new Set([...changed, ...left]);
  const late = before.bars
    .filter(({ to, supersededAt, userId }) => to === undefined && supersededAt === undefined && touched.has(userId))
    .map(({ userId }) => userId);
  return late.length === 0
    ? undefined
    : `The query in flight for ${nameThem(late)} is superseded: its answer may be older than the change.`;
}

function querySentence({ bars }: Timeline, users: readonly UserId[]): string {
  const again = users.every((userId) => bars.some((bar) => bar.userId === userId && bar.to === undefined));
  return `Querying the server for ${nameThem(users)}${again ? " again" : ""}.`;
}
