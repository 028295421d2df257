import type { AxiosInstance } from "axios";
import type { Observable } from "rxjs";
import type { SyncResponse } from "../model/wire.js";
import { pollForever } from "./poll-forever.js";
import { SlidingSyncApi } from "./sliding-sync-api.js";
import type { PollOptions } from "./sync-options.js";

/** The connection of a tracker, unless the application names another. */
const CONN_ID = "matrix-device-tracker";

/** How to poll sliding sync. All optional. */
export interface SlidingSyncOptions extends PollOptions {
  /**
   * The ID of the connection, `conn_id`: no other loop of the device may use it. A saved token belongs to its
   * connection.
   * @default "matrix-device-tracker"
   */
  readonly connId?: string;
}

/**
 * Polls only the device lists, by simplified sliding sync: a loop **beside** the application's own `/sync`. Emits
 * responses in the form of `syncResponses`: `next_batch` is the `pos` of the response, `since` the `pos` of the request
 * (`null` without one), and the rest is the content of the extension `e2ee`.
 *
 * ```
 * the application's loop    GET /sync?since=s1 ─▶ rooms, to-device messages; acknowledges those up to s1
 * this one                  POST …/sync?pos=7  ─▶ device_lists, key counts; acknowledges nothing
 * ```
 *
 * 1. It has a connection of its own (`connId`), and enables only the extension `e2ee`, with no list or room
 *    subscription. So the server deletes no to-device message because of it, and neither loop misses what the other one
 *    gets. It does not show the user as online.
 * 2. It polls the unstable endpoint, `/unstable/org.matrix.simplified_msc3575/sync`, or, if the server does not know
 *    that one (`M_UNRECOGNIZED`), `/v4/sync`. If the server knows neither and there is no `pos`, the Observable fails
 *    with the `MatrixError`; with a `pos`, it tries again.
 * 3. Polls are held, repeated and reported, and end with the login, as with `syncResponses`.
 *
 * **A `pos` that the server does not know** (`M_UNKNOWN_POS`: servers forget an unused connection after a while) is
 * dropped, and the loop starts over without one. For the tracker, that is a gap that cannot be closed: `/keys/changes`
 * requires a token of `/sync`, and refuses a `pos`. So all users but our own become untracked, `problems$` reports the
 * gap, and the application calls `track()` again. With `gaps: "distrust"`, the tracker does the same without that
 * request. A store that was filled by `syncResponses` has such a gap as well.
 *
 * **Two loops are not ordered.** `current` means as new as what *this* loop has emitted. The application's own loop may
 * be ahead: it has shown an event, such as a message from a new device, and the change of its sender's devices arrives
 * a moment later. Look up the sender with `forceDownload` if the tracker does not list the device. It may also be
 * behind: `device_lists` names users that the application does not know yet, and it may `track()` a member that has
 * already left. Until such a user shares a room with us again, they are not announced, and `current` only as of their
 * query.
 *
 * `EncryptedRooms` reads rooms and device lists from the same responses: use it with `syncResponses`. Here, pass the
 * members of encrypted rooms to `track()`, after the first response and after each gap.
 *
 * An application with a sliding sync of its own needs no second loop: it enables `e2ee` there and emits `{
 * ...response.extensions.e2ee, since: posSent ?? null, next_batch: response.pos }` as the tracker's `sync$`.
 *
 * @throws RangeError at once if `timeout` is not a whole number of ms from 0
 * @throws TypeError at once if `connId` is empty, or if the instance has no `baseURL` that ends in `/_matrix/client/v3`
 * @example
 * const sync$ = slidingSyncResponses(http, { since$: store.syncToken$ }).pipe(inOneTab(`sync/${userId}`));
 * const keysApi = axiosKeysApi(http);
 * const tracker = new DeviceTracker({ userId, store, keysApi, sync$, gaps: "distrust" });
 * // { next_batch: "0/s72_…", since: null, device_one_time_keys_count: { signed_curve25519: 50 } }
 * // { next_batch: "0/s73_…", since: "0/s72_…", device_lists: { changed: ["@bob:…"], left: [] }, … }, …
 * @see Matrix spec proposals MSC4186 (simplified sliding sync) and MSC4543 (its extension for end-to-end encryption)
 */
export function slidingSyncResponses(
  http: AxiosInstance,
  { connId = CONN_ID, ...options }: SlidingSyncOptions = {},
): Observable<SyncResponse> {
  if (typeof connId !== "string" || connId === "") throw new TypeError("connId must be a string that is not empty");
  return pollForever(http, new SlidingSyncApi(http, connId), options);
}
