import type { DeviceKeysByUser, DeviceTracker, KeysQueryRequest, SyncResponse } from "matrix-device-tracker";
import { MatrixError } from "matrix-device-tracker/http";
import { keysQueryResponse } from "matrix-device-tracker/olm-machine";
import {
  forkJoin,
  fromEvent,
  lastValueFrom,
  map,
  NEVER,
  repeat,
  takeUntil,
  takeWhile,
  type Observable,
  type Subject,
} from "rxjs";

/** How often users are looked up if a change arrives during each lookup. */
const MAX_LOOKUPS = 3;

export interface TrackerFetchOptions {
  readonly tracker: DeviceTracker;
  /** Our own user. */
  readonly userId: string;
  /** The `sync$` of the tracker: responses are passed to it. */
  readonly sync$: Subject<SyncResponse>;
  /** Makes the client query all users again. Called before it gets an initial sync, which announces no changes. */
  readonly distrustLists: () => Promise<void>;
}

/**
 * The `fetchFn` of a `MatrixClient` whose device lists are those of a tracker.
 *
 *     js-sdk    GET /sync ───────────────────────▶ response ─▶ crypto ─▶ POST /keys/query ─▶ answer
 *                    │                                ▲                       │                ▲
 *     fetchFn        ▼                                │                       ▼                │
 *     server       poll ─▶ response ─▶ tracker.sync$ ─┘               tracker.getDeviceKeys ───┘
 *
 * 1. A sync response is passed to the tracker before the client gets it. A lookup that is made after that reflects its
 *    changes, so the client can never be given a list from before a change that it knows.
 * 2. A `/keys/query` is answered by the tracker. If a change arrives in the meantime, users are looked up again, three
 *    times at most; after that they are left out, and the client asks again when it has the change as well.
 * 3. The cache is skipped until the first response has arrived: after a crash the client may have saved changes that
 *    the tracker has not. It is also skipped for our own user, whose new keys the client queries before sync announces
 *    them.
 * 4. An initial sync names no changes, but the client's crypto may have lists from before it: it queries all users
 *    again, and the tracker, which has learned who changed, answers from its cache for the others.
 * 5. All other requests are sent as they are.
 */
export function trackerFetch({ tracker, userId, sync$, distrustLists }: TrackerFetchOptions): typeof fetch {
  let hasSynced = false;

  const poll = async (url: URL, options: RequestInit): Promise<Response> => {
    const response = await fetch(url, options);
    if (!response.ok) return response;
    const body = (await response.clone().json()) as SyncResponse;
    const since = url.searchParams.get("since");
    sync$.next({ ...body, since });
    hasSynced = true;
    if (since === null) await distrustLists();
    return response;
  };

  const query = async ({ body, signal }: RequestInit): Promise<Response> => {
    signal?.throwIfAborted();
    const { device_keys } = JSON.parse(body as string) as KeysQueryRequest;
    const userIds = Object.keys(device_keys);
    const own = userIds.filter((id) => id === userId);
    const others = userIds.filter((id) => id !== userId);
    const users$ = forkJoin([
      tracker.getDeviceKeys(own, { forceDownload: true }),
      tracker.getDeviceKeys(others, { forceDownload: !hasSynced }),
    ]).pipe(
      map(([ownKeys, keys]) => new Map([...ownKeys, ...keys])),
      repeat(MAX_LOOKUPS),
      takeWhile(isSuperseded, true),
      takeUntil(aborted(signal)),
    );
    try {
      return Response.json(keysQueryResponse(await lastValueFrom(users$)));
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error; // the client takes it for a failed connection
      const { data, status, retryAfter } = error;
      return Response.json({ ...data, retry_after_ms: retryAfter }, { status });
    }
  };

  return (resource, options = {}) => {
    const url = new URL(resource instanceof Request ? resource.url : resource);
    if (url.pathname.endsWith("/_matrix/client/v3/sync")) return poll(url, options);
    if (url.pathname.endsWith("/_matrix/client/v3/keys/query")) return query(options);
    return fetch(resource, options);
  };
}

const isSuperseded = (users: DeviceKeysByUser): boolean =>
  Array.from(users.values()).some(({ freshness }) => freshness === "superseded");

/** Fails when the request is aborted, as `fetch` does. */
function aborted(signal: AbortSignal | null | undefined): Observable<never> {
  if (!signal) return NEVER;
  return fromEvent(signal, "abort").pipe(
    map(() => {
      throw signal.reason;
    }),
  );
}
