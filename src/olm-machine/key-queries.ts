import { isObject } from "../model/json.js";
import type { UserId } from "../model/ids.js";
import { KEYS_QUERY } from "./lists-to-give.js";
import type { OutgoingRequest } from "./machine.js";

/** The users of one answer to a machine. */
export interface KeyQuery {
  readonly requestId: string;
  readonly userIds: readonly UserId[];
}

/** Returns a machine's requests for device lists. Its other requests are the application's. */
export const keyQueriesIn = (requests: readonly OutgoingRequest[]): readonly KeyQuery[] =>
  requests.flatMap(({ type, id, body }) =>
    type === KEYS_QUERY && id !== undefined ? [{ requestId: id, userIds: usersIn(body) }] : [],
  );

function usersIn(body = "{}"): readonly UserId[] {
  const { device_keys: users } = JSON.parse(body) as { readonly device_keys?: unknown };
  return isObject(users) ? Object.keys(users) : [];
}
