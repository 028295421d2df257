import type { AxiosInstance } from "axios";
import {
  asyncScheduler,
  catchError,
  defer,
  map,
  mergeMap,
  type Observable,
  type SchedulerLike,
  throwError,
} from "rxjs";
import { InvalidResponseError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { type KeysQuerySections, keysQuerySections } from "../model/keys-query-sections.js";
import type { DeviceLists, KeysQueryRequest, KeysQueryResponse } from "../model/wire.js";
import type { KeysApi } from "../query/keys-api.js";
import { queryInParts } from "./query-in-parts.js";
import { request, type RequestOptions } from "./request.js";
import { retryTransient } from "./retry-transient.js";
import { syncFailures } from "./sync-failures.js";
import { checkTimeout } from "./timeout.js";
import { isServerFailure, isTransient } from "./transient.js";

const QUERY = "/keys/query";
const CHANGES = "/keys/changes";

/**
 * How long a homeserver waits for other homeservers by default, in ms: the value that the Matrix spec recommends,
 * `POST /_matrix/client/v3/keys/query`, `timeout`.
 */
const SERVER_DEFAULT_TIMEOUT = 10_000;
/** How much longer to wait for the homeserver itself, in ms: large queries take real servers tens of seconds. */
const DEADLINE_MARGIN = 60_000;

/**
 * How long after the first request of a query its parts may be requested, in ms. The tracker waits for 60 s by default.
 */
const PARTS_WINDOW = 45_000;

/**
 * Devices that one user may have in a response; a user with more is unreachable. The tracker accepts 5,000, but devices
 * beyond that matter as well: their IDs may be those of cross-signing keys.
 */
const MAX_DEVICES = 100_000;

/**
 * Sends the tracker's requests to a homeserver with axios.
 *
 * 1. Transient failures (408, 425, 429, 500, 502 to 504, 520 to 530, no response, an error thrown by `accessToken`) are
 *    retried at most twice, after 1 to 2 s and then 2 to 4 s, or when the server says (`retry_after_ms`,
 *    `Retry-After`), but never later than 30 s after the first request. A longer wait is an error at once, and so is
 *    any other refusal.
 * 2. If a query still fails with 5xx, and the homeserver responds to one without users, the query is split until the
 *    users for which it fails are alone. These are `unanswered`; the others have their answer. This takes at most 32
 *    requests, one at a time, within 45 s of the first one.
 *
 * Unsubscribing aborts the request, or the wait for the next one.
 *
 * Failed attempts of `syncResponses` on the same instance are passed on to the tracker, which reports them.
 *
 * `timeout`, if given, is sent in the body, as specified, and in the query string, where Synapse reads it. The deadline
 * of the request itself is 60 s longer.
 *
 * Fails with `MatrixError`, `ConnectionError`, what `accessToken` threw, `InvalidResponseError` if the response as a
 * whole is malformed, or `RangeError` if `timeout` is not a whole number from 0. The tracker checks the rest, user by
 * user.
 *
 * @param http from `matrixHttp`, or any authenticated instance with a `baseURL` that ends in `/_matrix/client/v3`
 * @param options.scheduler for waits and deadlines, @default asyncScheduler
 * @example
 * const keysApi = axiosKeysApi(matrixHttp({ homeserverUrl, accessToken }));
 * keysApi.query({ device_keys: { "@bob:example.org": [] } }).subscribe(({ device_keys }) => …);
 * @see Matrix spec, client-server API, `POST /_matrix/client/v3/keys/query`, `GET /_matrix/client/v3/keys/changes`
 */
export function axiosKeysApi(
  http: AxiosInstance,
  { scheduler = asyncScheduler }: { readonly scheduler?: SchedulerLike } = {},
): KeysApi {
  const isQueryFailure = (error: unknown): boolean => isServerFailure(error, QUERY);
  const queryPart = (userIds: readonly UserId[], timeout: number | undefined): Observable<KeysQuerySections> =>
    request(http, queryFor(Object.fromEntries(userIds.map((userId) => [userId, []])), timeout), scheduler).pipe(
      map(keysQuerySections),
      // A part that fails with 5xx is split instead.
      retryTransient((error) => isTransient(error, QUERY) && !isQueryFailure(error), scheduler),
    );
  return {
    query: ({ device_keys, timeout }) =>
      defer(() => {
        if (timeout !== undefined) checkTimeout(timeout);
        const userIds = Object.keys(device_keys);
        const until = scheduler.now() + PARTS_WINDOW;
        const parts = { query: (part: readonly UserId[]) => queryPart(part, timeout), isServerFailure: isQueryFailure };
        return request(http, queryFor(device_keys, timeout), scheduler).pipe(
          map(keysQueryResponse),
          retryTransient((error) => isTransient(error, QUERY), scheduler),
          catchError((error: unknown) =>
            isQueryFailure(error)
              ? queryInParts({ userIds, error, until }, { ...parts, scheduler })
              : throwError(() => error),
          ),
        );
      }),
    changes: ({ from, to }) => {
      const params = { from, to };
      const options = { method: "GET", endpoint: CHANGES, params, deadline: DEADLINE_MARGIN } as const;
      return request(http, options, scheduler).pipe(
        map(deviceLists),
        retryTransient((error) => isTransient(error, CHANGES), scheduler),
      );
    },
    syncFailures$: syncFailures(http).pipe(
      mergeMap(({ error, retryIn, message }) => (retryIn === null ? [] : [{ error, retryIn, message }])),
    ),
  };
}

function queryFor(device_keys: KeysQueryRequest["device_keys"], timeout: number | undefined): RequestOptions {
  const waits = timeout === undefined ? {} : { timeout };
  return {
    method: "POST",
    endpoint: QUERY,
    params: waits,
    body: { device_keys, ...waits },
    deadline: (timeout ?? SERVER_DEFAULT_TIMEOUT) + DEADLINE_MARGIN,
    maxMembers: MAX_DEVICES,
  };
}

/** Returns the response as the server sent it, without `unanswered`, which only this adapter may add. */
function keysQueryResponse({ unanswered: _, ...body }: Readonly<Record<string, unknown>>): KeysQueryResponse {
  keysQuerySections(body);
  return body;
}

function deviceLists(body: Readonly<Record<string, unknown>>): DeviceLists {
  if (!Object.hasOwn(body, "changed") && !Object.hasOwn(body, "left"))
    throw new InvalidResponseError(CHANGES, "changed", "present");
  for (const part of ["changed", "left"]) {
    // Some servers write an empty list as `null`, which the tracker handles.
    if (!Array.isArray(body[part] ?? [])) throw new InvalidResponseError(CHANGES, part, "an array");
  }
  return body;
}
