import type { AxiosInstance } from "axios";
import {
  asyncScheduler,
  defer,
  map,
  type MonoTypeOperatorFunction,
  retry,
  type SchedulerLike,
  throwError,
  timer,
} from "rxjs";
import { InvalidResponseError } from "../model/errors.js";
import { isObject } from "../model/json.js";
import type { DeviceLists, KeysQueryResponse } from "../model/wire.js";
import type { KeysApi } from "../query/keys-api.js";
import { backoff } from "./backoff.js";
import { ConnectionError } from "./connection-error.js";
import { MatrixError } from "./matrix-error.js";
import { request } from "./request.js";

/** How often a request is sent again after a failure that may pass. */
const MAX_RETRIES = 2;
/** A retry is sent within this time from the first sending or not at all, in ms: someone waits for the answer. */
const RETRY_WINDOW = 30_000;
/** How long a homeserver waits for other homeservers unless told otherwise, in ms: the default that the Matrix spec recommends, `POST /keys/query`, `timeout`. */
const SERVER_DEFAULT_TIMEOUT = 10_000;
/** How much longer than that we wait for the homeserver itself, in ms: large queries take real servers tens of seconds. */
const DEADLINE_MARGIN = 60_000;

/** Beyond 429: a proxy that cannot reach the server, or a server that is restarting or overloaded. */
const PASSING_STATUS: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * What the tracker needs of a homeserver, over axios.
 *
 * What may pass (429, 502 to 504, no answer) is tried again at most twice, 1 to 2 s and then 2 to 4 s later, or when the server says
 * (`retry_after_ms`, `Retry-After`); never later than 30 s after the first sending: a longer wait is an error at once. Any
 * other refusal is an error at once too. Unsubscribing aborts the request, and the wait for the next.
 *
 * `timeout` goes into the body, as the spec has it, and into the query string, where Synapse looks for it; into neither where
 * the caller gave none. The request's own deadline is 60 s longer.
 *
 * Fails with `MatrixError`, `ConnectionError`, or `InvalidResponseError` where the answer as a whole makes no sense; the tracker checks the
 * rest, user by user.
 *
 * @param http from `matrixHttp`, or any instance whose `baseURL` ends in `/_matrix/client/v3` and that authenticates
 * @param options.scheduler for waits and deadlines, @default asyncScheduler
 * @example
 * const keysApi = axiosKeysApi(matrixHttp({ homeserverUrl, accessToken }));
 * keysApi.query({ device_keys: { "@bob:example.org": [] } }).subscribe(({ device_keys }) => …);
 * @see Matrix spec, client-server API, `POST /keys/query`, `GET /keys/changes`
 */
export function axiosKeysApi(
  http: AxiosInstance,
  { scheduler = asyncScheduler }: { readonly scheduler?: SchedulerLike } = {},
): KeysApi {
  return {
    query: ({ device_keys, timeout }) => {
      const waits = timeout === undefined ? {} : { timeout };
      const asked = {
        method: "POST",
        endpoint: "/keys/query",
        params: waits,
        body: { device_keys, ...waits },
        deadline: (timeout ?? SERVER_DEFAULT_TIMEOUT) + DEADLINE_MARGIN,
      } as const;
      return request(http, asked, scheduler).pipe(map(keysQueryResponse), retryWhatMayPass(scheduler));
    },
    changes: ({ from, to }) => {
      const asked = {
        method: "GET",
        endpoint: "/keys/changes",
        params: { from, to },
        deadline: DEADLINE_MARGIN,
      } as const;
      return request(http, asked, scheduler).pipe(map(deviceLists), retryWhatMayPass(scheduler));
    },
  };
}

function retryWhatMayPass<T>(scheduler: SchedulerLike): MonoTypeOperatorFunction<T> {
  return (source) =>
    defer(() => {
      const sentAt = scheduler.now();
      return source.pipe(
        retry({
          count: MAX_RETRIES,
          delay: (error: unknown, attempt) => {
            const wait = Math.max(
              backoff(attempt, Math.random()),
              error instanceof MatrixError ? (error.retryAfter ?? 0) : 0,
            );
            return mayPass(error) && scheduler.now() - sentAt + wait <= RETRY_WINDOW
              ? timer(wait, scheduler)
              : throwError(() => error);
          },
        }),
      );
    });
}

function mayPass(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof MatrixError && PASSING_STATUS.has(error.status));
}

function keysQueryResponse(body: unknown): KeysQueryResponse {
  const endpoint = "/keys/query";
  if (!isObject(body)) throw new InvalidResponseError(endpoint, "", "an object");
  for (const part of ["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"]) {
    if (isThere(body[part]) && !isObject(body[part])) throw new InvalidResponseError(endpoint, part, "an object");
  }
  return body;
}

function deviceLists(body: unknown): DeviceLists {
  const endpoint = "/keys/changes";
  if (!isObject(body)) throw new InvalidResponseError(endpoint, "", "an object");
  for (const part of ["changed", "left"]) {
    if (isThere(body[part]) && !Array.isArray(body[part])) throw new InvalidResponseError(endpoint, part, "an array");
  }
  return body;
}

/** `null` is how some servers write an empty map or list; what to make of it is the tracker's business. */
function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}
