import type { AxiosInstance } from "axios";
import { Observable, type SchedulerLike, throwError, timeout } from "rxjs";
import { MAX_DELAY } from "../model/max-delay.js";
import { ConnectionError } from "./connection-error.js";
import { httpError } from "./http-error.js";
import { isLong, parseAtOnce, parseInSlices } from "./parse-json.js";
import { bodyOf } from "./response-body.js";

/** A request, and how long to wait for its response. */
export interface RequestOptions {
  readonly method: "GET" | "POST";
  /** Relative to `/_matrix/client/v3`, such as `/keys/query`. */
  readonly endpoint: string;
  /** What `endpoint` is relative to. @default that of the instance */
  readonly baseURL?: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** From reading the access token to the last byte of the response, in ms. */
  readonly deadline: number;
  /** Members of an object in the response; one with more counts as malformed. @default Infinity */
  readonly maxMembers?: number;
  /** True if the body is the content of an event, which may have any properties. @default false */
  readonly isContent?: boolean;
}

/**
 * Sends a request for each subscription, emits the parsed body, and completes. Unsubscribing aborts the request.
 *
 * Fails with `MatrixError` (a status other than 2xx), `ConnectionError` (no response, or none within the deadline), or
 * `InvalidResponseError` (the body is not an object, or is an error).
 */
export function request(
  http: AxiosInstance,
  options: RequestOptions,
  scheduler: SchedulerLike,
): Observable<Readonly<Record<string, unknown>>> {
  const { method, endpoint, baseURL, params, body, deadline } = options;
  const { maxMembers = Number.POSITIVE_INFINITY, isContent = false } = options;
  return new Observable<Readonly<Record<string, unknown>>>((subscriber) => {
    // If a subscriber unsubscribes from inside an emission, the request after that emission must not be sent.
    if (subscriber.closed) return undefined;
    const controller = new AbortController();
    http
      .request<unknown>({
        method,
        url: endpoint,
        ...(baseURL === undefined ? {} : { baseURL }),
        params,
        ...(body === undefined ? {} : { data: body }),
        signal: controller.signal,
        responseType: "text",
        // Override the instance's defaults: a body that is not JSON stays a string (otherwise a proxy's page would hide
        // its status), only 2xx is a success, and the scheduler handles the deadline.
        transformResponse: (data: unknown, _headers: unknown, status?: number) =>
          isLong(data) && isSuccess(status) ? data : parseAtOnce(data),
        validateStatus: isSuccess,
        timeout: 0,
      })
      .then(async (response) => {
        const { data } = response;
        if (!isLong(data)) return bodyOf(endpoint, response, isContent);
        const parsed = await parseInSlices(data, () => !subscriber.closed, { maxMembers });
        return subscriber.closed ? {} : bodyOf(endpoint, { ...response, data: parsed }, isContent);
      })
      .then(
        (found) => {
          subscriber.next(found);
          subscriber.complete();
        },
        (failure: unknown) => {
          subscriber.error(httpError(failure, scheduler.now()));
        },
      );
    return () => {
      controller.abort();
    };
  }).pipe(
    timeout({
      first: Math.min(deadline, MAX_DELAY),
      scheduler,
      with: () => throwError(() => new ConnectionError(endpoint, { deadline })),
    }),
  );
}

const isSuccess = (status = 200): boolean => status >= 200 && status < 300;
