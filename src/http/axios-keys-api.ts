import type { AxiosInstance } from "axios";
import { asyncScheduler, map, type SchedulerLike } from "rxjs";
import { InvalidResponseError } from "../model/errors.js";
import { isObject } from "../model/json.js";
import type { DeviceLists, KeysQueryResponse } from "../model/wire.js";
import type { KeysApi } from "../query/keys-api.js";
import { request } from "./request.js";
import { retryTransient } from "./retry-transient.js";

/**
 * How long a homeserver waits for other homeservers by default, in ms: the value that the Matrix spec recommends,
 * `POST /_matrix/client/v3/keys/query`, `timeout`.
 */
const SERVER_DEFAULT_TIMEOUT = 10_000;
/**
 * How much longer than that to wait for the homeserver itself, in ms: large queries take real servers tens of seconds.
 */
const DEADLINE_MARGIN = 60_000;

/**
 * The requests that the tracker sends to a homeserver, made with axios.
 *
 * Transient failures (429, 502 to 504, no response) are retried at most twice, after 1 to 2 s and then 2 to 4 s, or
 * when the server says (`retry_after_ms`, `Retry-After`), but never later than 30 s after the first request: a longer
 * wait is an error at once. Any other refusal is an error at once, too. Unsubscribing aborts the request, or the wait
 * for the next one.
 *
 * `timeout` is sent in the body, as specified, and in the query string, where Synapse reads it; in neither if the
 * caller gave none. The deadline of the request itself is 60 s longer.
 *
 * Fails with `MatrixError`, `ConnectionError`, or `InvalidResponseError` if the response as a whole is malformed. The
 * tracker checks the rest, user by user.
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
  return {
    query: ({ device_keys, timeout }) => {
      const waits = timeout === undefined ? {} : { timeout };
      const options = {
        method: "POST",
        endpoint: "/keys/query",
        params: waits,
        body: { device_keys, ...waits },
        deadline: (timeout ?? SERVER_DEFAULT_TIMEOUT) + DEADLINE_MARGIN,
      } as const;
      return request(http, options, scheduler).pipe(map(keysQueryResponse), retryTransient(scheduler));
    },
    changes: ({ from, to }) => {
      const params = { from, to };
      const options = { method: "GET", endpoint: "/keys/changes", params, deadline: DEADLINE_MARGIN } as const;
      return request(http, options, scheduler).pipe(map(deviceLists), retryTransient(scheduler));
    },
  };
}

function keysQueryResponse(body: unknown): KeysQueryResponse {
  const endpoint = "/keys/query";
  if (!isObject(body)) throw new InvalidResponseError(endpoint, "", "an object");
  for (const part of ["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"]) {
    if (isPresent(body[part]) && !isObject(body[part])) throw new InvalidResponseError(endpoint, part, "an object");
  }
  return body;
}

function deviceLists(body: unknown): DeviceLists {
  const endpoint = "/keys/changes";
  if (!isObject(body)) throw new InvalidResponseError(endpoint, "", "an object");
  for (const part of ["changed", "left"]) {
    if (isPresent(body[part]) && !Array.isArray(body[part])) throw new InvalidResponseError(endpoint, part, "an array");
  }
  return body;
}

/** Some servers write an empty map or list as `null`, which the tracker handles. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
