import { isObject } from "../model/json.js";
import type { UserId } from "../model/ids.js";
import type { DeviceUpdate } from "../model/updates.js";
import type { Commit } from "./change.js";
import type { SavedLists } from "./clone.js";
import { isSavedLists, readLog } from "./records.js";

/** What trackers on one store announce to each other. */
export type News =
  /** These commits are now in the chain, in the log record at this position. */
  | { readonly type: "commits"; readonly position: number; readonly commits: readonly Commit[] }
  /** Lists were saved at these revisions; `updates` is what they changed. */
  | { readonly type: "saved"; readonly lists: SavedLists; readonly updates: readonly DeviceUpdate[] }
  /** A person's decision changed this user's pins and saved records. */
  | { readonly type: "acknowledged"; readonly userId: UserId }
  /** Changes of these users were applied but cannot be committed: what other trackers have of them may be older. */
  | { readonly type: "pending"; readonly userIds: readonly UserId[] | "everyone" }
  /** Is any tracker connected and caught up? */
  | { readonly type: "ask" }
  /** Answers `ask`: the sender is caught up, as of this head. */
  | { readonly type: "caught-up"; readonly head: number };

/** One announcement, with the tracker that sent it and the life of the store. */
export interface Announcement {
  readonly by: string;
  readonly lifetime: string;
  readonly news: readonly News[];
}

/**
 * Returns `undefined` for an announcement that this version does not understand: tabs may run different versions of the
 * application.
 */
export function readAnnouncement(value: unknown): Announcement | undefined {
  if (
    !isObject(value) ||
    typeof value.by !== "string" ||
    typeof value.lifetime !== "string" ||
    !Array.isArray(value.news)
  )
    return undefined;
  return value.news.every(isNews) ? (value as unknown as Announcement) : undefined;
}

function isNews(value: unknown): boolean {
  if (!isObject(value)) return false;
  switch (value.type) {
    case "commits":
      return Number.isSafeInteger(value.position) && readLog({ ...value, by: "" }) !== undefined;
    case "saved":
      return isSavedLists(value.lists) && Array.isArray(value.updates) && value.updates.every(isUpdate);
    case "acknowledged":
      return typeof value.userId === "string";
    case "pending":
      return (
        value.userIds === "everyone" ||
        (Array.isArray(value.userIds) && value.userIds.every((userId) => typeof userId === "string"))
      );
    case "ask":
      return true;
    case "caught-up":
      return Number.isSafeInteger(value.head);
    default:
      return false;
  }
}

const isUpdate = (value: unknown): boolean =>
  isObject(value) && typeof value.userId === "string" && Array.isArray(value.added) && value.refused instanceof Map;
