import type { AxiosInstance } from "axios";
import type { Observable } from "rxjs";
import { DeviceTracker } from "../device-tracker.js";
import { axiosKeysApi } from "../http/axios-keys-api.js";
import { axiosMembersApi } from "../http/axios-members-api.js";
import { matrixHttp, type MatrixHttpOptions } from "../http/matrix-http.js";
import { requireUser } from "../http/require-user.js";
import type { SyncOptions } from "../http/sync-options.js";
import { syncResponses } from "../http/sync-responses.js";
import { idbStore } from "../idb/idb-store.js";
import { isUserId, type UserId } from "../model/ids.js";
import { shown } from "../model/shown.js";
import { EncryptedRooms } from "../rooms/encrypted-rooms.js";
import type { DeviceStore } from "../store/device-store.js";
import { inOneTab, type InOneTabOptions } from "../tabs/in-one-tab.js";
import type { DeviceTrackerOptions } from "../tracker/options.js";
import { LogOut } from "./log-out.js";

/** The account to connect, and further options of the parts. */
export interface ConnectOptions
  extends
    MatrixHttpOptions,
    Pick<SyncOptions, "save" | "filter" | "timeout" | "onFailure">,
    Pick<InOneTabOptions, "onUnshared"> {
  readonly userId: UserId;
  /** Further options of the tracker. Its `extensions` come after `rooms`. @default none */
  readonly options?: Omit<DeviceTrackerOptions, "userId" | "store" | "keysApi" | "sync$">;
}

/** A connected tracker, its parts, and its end. */
export interface ConnectedDeviceTracker {
  readonly tracker: DeviceTracker;
  readonly rooms: EncryptedRooms;
  /** For the application's requests; it goes on working after {@link close} and {@link logOut}. */
  readonly http: AxiosInstance;
  readonly store: DeviceStore;
  /**
   * Emits once the account has been logged out, in this tab or another, and completes; also if the store was cleared in
   * another way. The tracker is closed then, and the store cleared: only if another tab began a log-out and then failed
   * or crashed, this emits after 10 s although the store may not be. Replays. Completes without a value at
   * {@link close}.
   */
  readonly loggedOut$: Observable<void>;
  /**
   * Logs the account out of this browser: closes the trackers of all tabs, deletes the store, and completes once no tab
   * can write to it. Cold, but unsubscribing does not cancel it. Completes at once if another tab has logged out.
   *
   * The order of a log-out:
   *
   * 1. Delete the session that the application has saved, so that no new tab connects with it.
   * 2. `logOut()`. The sync loop has ended then: no tab shows that its token is refused.
   * 3. `POST /logout`, by {@link http}. If that fails, the device is still logged in at the server: try again.
   *
   * Fails with a `StoreError` if the store cannot be cleared; the trackers are closed even so. Call it again.
   *
   * Fails with a `TrackerClosedError` after {@link close}: a closed connection does not hear of log-outs, and might
   * delete the store of a new session. To log out then, connect again.
   */
  readonly logOut: () => Observable<never>;
  /** Ends the tracker in this tab, as `DeviceTracker.close` does; the store is kept. */
  readonly close: () => void;
}

/**
 * Connects a tracker of encrypted rooms in one call: `matrixHttp`, `idbStore`, `syncResponses` in one tab, and
 * `EncryptedRooms`, composed as in the README. Call it in every tab: one of them syncs, all follow. It must be the
 * device's only sync loop.
 *
 * Before its first request, each tab asks whose the access token is. If it is that of another user, sync ends and all
 * requests but a log-out fail with `TokenOwnerError`: nothing that the server says of that account gets into the store.
 *
 * The database is `devices/<userId>` and the Web Lock `sync/<userId>`, so an application may change to a composition of
 * its own and keep the store.
 *
 * @param session `homeserverUrl`, `accessToken` and `userId`; `save` stores to-device messages before they are
 * acknowledged
 * @throws TypeError at once if an option is malformed, RangeError if `timeout` is; nothing is opened then
 * @example
 * const { tracker, rooms, http, loggedOut$, logOut } = connectDeviceTracker({
 *   homeserverUrl: "https://matrix.example.org",
 *   accessToken,
 *   userId: "@alice:example.org",
 *   save: ({ to_device }) => inbox.save(to_device),
 * });
 * tracker.problems$.subscribe(({ message }) => console.warn(message));
 * loggedOut$.subscribe(() => showLogin()); // in all tabs
 * logOutClicks$.pipe(exhaustMap(() => concat(logOut(), defer(() => http.post("/logout", {}))))).subscribe();
 */
export function connectDeviceTracker(session: ConnectOptions): ConnectedDeviceTracker {
  const { homeserverUrl, accessToken, userId, save, filter, timeout, onFailure, onUnshared, options } = session;
  requireAccount({ userId, accessToken, save });
  const http = matrixHttp({ homeserverUrl, accessToken });
  requireUser(http, userId);
  const store = idbStore(`devices/${userId}`);
  const lock = `sync/${userId}`;
  const sync$ = syncResponses(http, {
    since$: store.syncToken$,
    ...(save && { save }),
    ...(filter !== undefined && { filter }),
    ...(timeout !== undefined && { timeout }),
    ...(onFailure && { onFailure }),
  }).pipe(inOneTab(lock, { ...(onUnshared && { onUnshared }) }));
  const rooms = new EncryptedRooms({ membersApi: axiosMembersApi(http) });
  const extensions = [rooms, ...(options?.extensions ?? [])];
  const tracker = new DeviceTracker({ ...options, userId, store, keysApi: axiosKeysApi(http), sync$, extensions });
  const logOut = new LogOut({ userId, tracker, store, lock });
  tracker.connect();
  return {
    tracker,
    rooms,
    http,
    store,
    loggedOut$: logOut.loggedOut$,
    logOut: () => logOut.logOut$,
    close: () => {
      logOut.close();
    },
  };
}

/** JavaScript may pass anything. Only checks that the parts do not make themselves. */
function requireAccount({ userId, accessToken, save }: Record<"userId" | "accessToken" | "save", unknown>): void {
  if (!isUserId(userId))
    throw new TypeError(`userId should be a Matrix user ID such as "@alice:example.org", not ${shown(userId)}`);
  if (typeof accessToken !== "string" && typeof accessToken !== "function")
    throw new TypeError(`accessToken should be a string, or a function that returns it, not ${typeof accessToken}`);
  if (save !== undefined && typeof save !== "function")
    throw new TypeError(`save should be a function, not ${typeof save}`);
}
