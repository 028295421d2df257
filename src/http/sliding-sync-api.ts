import type { AxiosInstance } from "axios";
import { catchError, defer, map, type Observable, tap, throwError } from "rxjs";
import { InvalidResponseError } from "../model/errors.js";
import { isObject } from "../model/json.js";
import { MatrixError } from "./matrix-error.js";
import type { Poll, PollApi } from "./poll-forever.js";
import { request } from "./request.js";
import { isSyncEndpoint, SLIDING_SYNC } from "./sync-endpoints.js";

/** The end of an instance's `baseURL`. */
const VERSION = /\/v3\/?$/u;

/** Polls one connection of sliding sync, with only the extension for end-to-end encryption. */
export class SlidingSyncApi implements PollApi {
  readonly #http: AxiosInstance;
  readonly #baseURL: string;
  readonly #connId: string;
  /** The endpoint that has responded. From then on, a refusal of it is caused by a proxy or a restart. */
  #endpoint: string | undefined;

  /** @throws TypeError if the instance has no `baseURL` that ends in `/v3` */
  constructor(http: AxiosInstance, connId: string) {
    const { baseURL = "" } = http.defaults;
    if (!VERSION.test(baseURL))
      throw new TypeError(
        `http must have a baseURL that ends in /_matrix/client/v3, not "${baseURL}": create it with matrixHttp`,
      );
    this.#http = http;
    this.#baseURL = baseURL.replace(VERSION, "");
    this.#connId = connId;
  }

  poll(poll: Poll): Observable<Readonly<Record<string, unknown>>> {
    return defer(() =>
      this.#endpoint === undefined
        ? this.#send(SLIDING_SYNC.unstable, poll).pipe(
            catchError((error: unknown) =>
              isUnrecognized(error) ? this.#send(SLIDING_SYNC.stable, poll) : throwError(() => error),
            ),
          )
        : this.#send(this.#endpoint, poll),
    );
  }

  isUnsupported(error: Error): boolean {
    return this.#endpoint === undefined && isUnrecognized(error) && error.endpoint === SLIDING_SYNC.stable;
  }

  #send(endpoint: string, { since, hold, deadline, scheduler }: Poll): Observable<Readonly<Record<string, unknown>>> {
    // Without set_presence, some servers would show the user as online.
    const where = { ...(since !== undefined && { pos: since }), timeout: hold, set_presence: "offline" };
    const what = { conn_id: this.#connId, extensions: { e2ee: { enabled: true } } };
    // The stable endpoint reads everything from the body, the unstable one most of it from the query string.
    const [params, body] = endpoint === SLIDING_SYNC.stable ? [{}, { ...where, ...what }] : [where, what];
    const options = { method: "POST", baseURL: this.#baseURL, endpoint, params, body, deadline } as const;
    return request(this.#http, options, scheduler).pipe(
      map((response) => toSyncResponse(response, endpoint)),
      tap(() => {
        this.#endpoint = endpoint;
      }),
    );
  }
}

/** Converts a response to that of `GET /sync`: the names in the extension are those of `/sync`. */
function toSyncResponse(response: Readonly<Record<string, unknown>>, endpoint: string) {
  const { pos, extensions } = response;
  if (typeof pos !== "string" || pos === "")
    throw new InvalidResponseError(endpoint, "pos", "a string that is not empty");
  // Some servers omit empty values.
  if (!isObject(extensions ?? {})) throw new InvalidResponseError(endpoint, "extensions", "an object");
  const e2ee = (extensions as { readonly e2ee?: unknown } | null | undefined)?.e2ee ?? {};
  if (!isObject(e2ee)) throw new InvalidResponseError(endpoint, "extensions.e2ee", "an object");
  return { ...e2ee, next_batch: pos };
}

/** True if the server does not know the endpoint. Errors of `accessToken` concern a request of its own. */
function isUnrecognized(error: unknown): error is MatrixError {
  if (!(error instanceof MatrixError) || !isSyncEndpoint(error.endpoint)) return false;
  return error.errcode === "M_UNRECOGNIZED" && (error.status === 404 || error.status === 405);
}
