import { createClient, type ICreateClientOpts, type MatrixClient } from "matrix-js-sdk";
import type { CryptoBackend } from "matrix-js-sdk/lib/common-crypto/CryptoBackend.js";
import { DeviceTracker, type DeviceStore, type SyncResponse } from "matrix-device-tracker";
import { axiosKeysApi, matrixHttp } from "matrix-device-tracker/http";
import { lastValueFrom, Subject } from "rxjs";
import { trackerFetch } from "./tracker-fetch.js";

export interface TrackedClient {
  readonly client: MatrixClient;
  /** For lookups of the application's own. */
  readonly tracker: DeviceTracker;
  /** Of the device lists. */
  readonly store: DeviceStore;
}

/**
 * A client of matrix-js-sdk, and the tracker that its device lists come from.
 *
 * @param options of `createClient`, for a device that has logged in
 * @param store of the device lists, such as `idbStore("devices/@alice:example.org")`
 * @example
 * const session = createTrackedClient({ baseUrl, accessToken, userId, deviceId, store: jsSdkStore }, store);
 * await session.client.initRustCrypto();
 * await session.client.startClient();
 */
export function createTrackedClient(
  options: ICreateClientOpts & { readonly userId: string },
  store: DeviceStore,
): TrackedClient {
  const { baseUrl, userId } = options;
  const sync$ = new Subject<SyncResponse>();
  // The client refreshes its token when it is given the refusal.
  const http = matrixHttp({ homeserverUrl: baseUrl, accessToken: () => client.getAccessToken() ?? "" });
  const tracker = new DeviceTracker({ userId, store, keysApi: axiosKeysApi(http), sync$ });
  const distrustLists = async () => {
    // As the client does itself when a sliding sync has lost its place; not part of its public API.
    const crypto = client.getCrypto() as CryptoBackend | undefined;
    await crypto?.markAllTrackedUsersAsDirty();
  };
  const client = createClient({ ...options, fetchFn: trackerFetch({ tracker, userId, sync$, distrustLists }) });
  tracker.connect();
  return { client, tracker, store };
}

/**
 * Logs out, and deletes all that is saved.
 *
 * 1. The client and the tracker end, so that neither writes again.
 * 2. The homeserver deletes the device. If it cannot be reached, the error is thrown after the next step.
 * 3. Both delete what they have saved, keys included.
 */
export async function logOut({ client, tracker, store }: TrackedClient): Promise<void> {
  client.stopClient();
  tracker.close();
  try {
    await client.logout(true); // aborts what is on its way
  } finally {
    await Promise.all([lastValueFrom(store.clear(), { defaultValue: undefined }), client.clearStores()]);
  }
}
