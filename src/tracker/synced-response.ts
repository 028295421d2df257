import type { UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import type { SyncResponse } from "../model/wire.js";
import { lastMentions, type NamedUsers } from "../store/change.js";

/** What `synced$` emits of a response: its body would be kept in memory for as long as the store fails. */
export function syncedPart({ since, next_batch, device_lists }: SyncResponse): SyncResponse {
  return { next_batch, ...(since !== undefined && { since }), ...(device_lists !== undefined && { device_lists }) };
}

/** One response for two in a row: from where the first begins to where the second leads, with the lists of both. */
export function joinResponses(first: SyncResponse, second: SyncResponse): SyncResponse {
  const { changed, left } = lastMentions([listsOf(first), listsOf(second)]);
  const { next_batch } = second;
  return syncedPart({
    next_batch,
    ...(first.since !== undefined && { since: first.since }),
    device_lists: { changed: [...changed], left: [...left] },
  });
}

/** The lists are as the server sent them. */
function listsOf({ device_lists: lists }: { readonly device_lists?: unknown }): NamedUsers {
  const users = (kind: keyof NamedUsers): readonly UserId[] => {
    const value = isObject(lists) ? lists[kind] : undefined;
    return Array.isArray(value) ? value.filter((userId) => typeof userId === "string") : [];
  };
  return { changed: users("changed"), left: users("left") };
}
