import type { AxiosInstance } from "axios";
import { Observable, type SchedulerLike, throwError, timeout } from "rxjs";
import { MAX_DELAY } from "../model/max-delay.js";
import { ConnectionError } from "./connection-error.js";
import { httpError } from "./http-error.js";

/** What to ask for, and how long to wait for the answer. */
export interface Asked {
  readonly method: "GET" | "POST";
  /** Below `/_matrix/client/v3`, such as `/keys/query`. */
  readonly endpoint: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** Sent as JSON. */
  readonly body?: object;
  /** For the whole of it, from the access token to the last byte of the answer, in ms. */
  readonly deadline: number;
}

/**
 * One request at each subscription, one value, the parsed body whatever it is, then completion; unsubscribing aborts it.
 *
 * Fails with `MatrixError` (a status other than 2xx) or `ConnectionError` (no answer, or none within the deadline). A body that
 * is no JSON arrives as a string: whoever knows what should be there says what is wrong with it.
 */
export function request(
  http: AxiosInstance,
  { method, endpoint, params, body, deadline }: Asked,
  scheduler: SchedulerLike,
): Observable<unknown> {
  return new Observable<unknown>((subscriber) => {
    // A consumer that has enough unsubscribes while it is handed a value; what would be sent after that value must not be.
    if (subscriber.closed) return undefined;
    const controller = new AbortController();
    http
      .request<unknown>({
        method,
        url: endpoint,
        params,
        ...(body === undefined ? {} : { data: body }),
        signal: controller.signal,
        responseType: "json",
        // Whatever the instance's defaults: a body that is no JSON stays a string (else a proxy's page would hide its status),
        // only 2xx is success, and the deadline is ours, by the scheduler.
        transitional: { silentJSONParsing: true },
        validateStatus: (status) => status >= 200 && status < 300,
        timeout: 0,
      })
      .then(
        ({ data }) => {
          subscriber.next(data);
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
