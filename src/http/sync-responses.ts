import type { AxiosInstance } from "axios";
import type { Observable } from "rxjs";
import type { SyncResponse } from "../model/wire.js";
import { pollForever } from "./poll-forever.js";
import { request } from "./request.js";
import { SYNC } from "./sync-endpoints.js";
import type { SyncOptions } from "./sync-options.js";

/**
 * Syncs forever, and emits each response as the server sent it, with `since`, the token of the request (`null` for an
 * initial sync).
 *
 * ```
 * GET /sync            --a---b-------X      ---c
 *                                     (wait)
 * syncResponses        --a---b----------------c--
 * ```
 *
 * 1. Without a saved token, it starts with an initial sync. With one, it starts with a poll that the server does not
 *    hold (`timeout=0`), for applications that wait for what they missed, if anything. The first poll after a failure
 *    is not held either, which shows at once that the connection is back.
 * 2. Then it keeps polling from the `next_batch` of the previous response; each poll is held for up to `timeout` ms.
 *    The next request is sent as soon as the response has been emitted. Only a server that returns early without news
 *    several times in a row is polled more slowly, down to every 2 s.
 * 3. After a failure, it waits and repeats the request: 1 to 2 s, 2 to 4 s, … 30 to 60 s, half of each wait being
 *    random, and never sooner than the server says (`retry_after_ms`, `Retry-After`), up to one hour. An invalid
 *    response is also a failure, and does not move the token.
 * 4. The deadline for a response is 60 s longer than the server may hold the poll; for an initial sync, it is 5 min.
 *    Each deadline that passes doubles the next one, up to one hour, until there is a response: a server may need
 *    minutes after a long absence.
 * 5. The browser's `online` event ends a wait, except one that the server requires, and repeats a poll that has not
 *    been answered.
 * 6. A `since` that the server does not know (400 `M_UNKNOWN`, `M_INVALID_PARAM`, `M_INVALID_ARGUMENT_VALUE`, or any
 *    other 400 three times in a row) is dropped, and an initial sync follows, which the tracker handles as a gap. The
 *    same happens if `since$` fails or does not emit within 10 s.
 *
 * Each failed attempt is passed to `onFailure`. If a tracker's `axiosKeysApi` uses the same instance, the tracker also
 * reports it on `problems$`.
 *
 * Fails only if the login has ended, with the `MatrixError`: the account is deactivated, or the access token is unknown
 * (401 `M_UNKNOWN_TOKEN`) and `accessToken` has no other. It keeps polling for a locked account, as the spec
 * recommends, and if the server received no token (`M_MISSING_TOKEN`), which a redirect or a proxy may have dropped.
 * Never completes. Unsubscribing aborts the request, the wait or `save`. Cold: each subscription runs its own loop, and
 * **the device must have no other one**, here or anywhere else: share it.
 *
 * **To-device messages.** `/sync?since=T` allows the server to delete the to-device messages (room keys among them) of
 * the response that contained `T`. An application that needs these messages passes `save`: the request is sent only
 * once they have been saved, so a crash loses none. Subscribers cannot delay the request.
 *
 * @throws RangeError at once if `timeout` is not a whole number of ms from 0
 * @example
 * const sync$ = syncResponses(http, {
 *   since$: store.syncToken$,
 *   save: ({ to_device }) => inbox.add(to_device),
 *   onFailure: ({ message }) => console.warn(message),
 * });
 * // { next_batch: "s72_…", since: null, rooms: … }
 * // { next_batch: "s73_…", since: "s72_…", device_lists: { changed: ["@bob:…"] } }, …
 * @see Matrix spec, client-server API, "Syncing", "Extensions to /sync" of "Send-to-Device messaging" and of
 * "End-to-End Encryption"
 */
export function syncResponses(http: AxiosInstance, options: SyncOptions = {}): Observable<SyncResponse> {
  const { filter } = options;
  const filtered = filter === undefined ? {} : { filter: typeof filter === "string" ? filter : JSON.stringify(filter) };
  return pollForever(
    http,
    {
      poll: ({ since, hold, deadline, scheduler }) => {
        const params = { ...(since === undefined ? {} : { since }), timeout: hold, ...filtered };
        return request(http, { method: "GET", endpoint: SYNC, params, deadline }, scheduler);
      },
    },
    options,
  );
}
