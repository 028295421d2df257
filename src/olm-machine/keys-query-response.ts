import type { UserId } from "../model/ids.js";
import type { DeviceKeysByUser, UserDeviceKeys } from "../model/results.js";
import type { KeysQueryResponse } from "../model/wire.js";
import { responseOf } from "./to-response.js";

/**
 * Converts a lookup to a response of `/keys/query`, for an engine that can only be reached through HTTP: its requests
 * are answered with a tracker's lists.
 *
 * 1. Devices and cross-signing keys are verbatim; devices that the tracker refuses are left out. A user without devices
 *    has an empty list.
 * 2. The server of an `unreachable` user is in `failures`, so that the engine asks again after a while.
 * 3. A `superseded` or `outdated` user is left out: the engine keeps the list that it has, and asks again.
 *
 * @param users what `getDeviceKeys` emitted
 * @example
 * tracker.getDeviceKeys(Object.keys(request.device_keys)).subscribe((users) => respond(keysQueryResponse(users)));
 * @see Matrix spec, client-server API, `POST /_matrix/client/v3/keys/query`
 */
export function keysQueryResponse(users: DeviceKeysByUser): KeysQueryResponse {
  const lists = new Map<UserId, UserDeviceKeys>();
  const unreachable: UserId[] = [];
  for (const [userId, keys] of users) {
    if (keys.freshness === "unreachable") unreachable.push(userId);
    else if (keys.freshness === "current" || keys.freshness === "untracked") lists.set(userId, keys);
  }
  return responseOf(lists, unreachable);
}
