import type { AxiosInstance } from "axios";
import { asyncScheduler, catchError, of, throwError, type Observable, type SchedulerLike } from "rxjs";
import type { MembersApi } from "../rooms/members-api.js";
import { MatrixError } from "./matrix-error.js";
import { request } from "./request.js";
import { retryTransient } from "./retry-transient.js";
import { isTransient } from "./transient.js";

/** How long to wait for a response, in ms. Homeservers take tens of seconds for a room that is not in their memory. */
const DEADLINE = 90_000;

/**
 * Sends the requests of `EncryptedRooms` to a homeserver with axios.
 *
 * Transient failures are retried at most twice, as `axiosKeysApi` does. Fails with `MatrixError`, `ConnectionError`,
 * what `accessToken` threw, or `InvalidResponseError` if the response is not an object.
 *
 * @param http from `matrixHttp`, or any authenticated instance with a `baseURL` that ends in `/_matrix/client/v3`
 * @param options.scheduler for waits and deadlines, @default asyncScheduler
 * @see Matrix spec, client-server API, `GET /_matrix/client/v3/rooms/{roomId}/members`, `GET
 * /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`
 */
export function axiosMembersApi(
  http: AxiosInstance,
  { scheduler = asyncScheduler }: { readonly scheduler?: SchedulerLike } = {},
): MembersApi {
  const get = (
    endpoint: string,
    options: { readonly params?: Readonly<Record<string, string>>; readonly isContent?: boolean },
  ): Observable<unknown> =>
    request(http, { method: "GET", endpoint, params: {}, deadline: DEADLINE, ...options }, scheduler).pipe(
      retryTransient((error) => isTransient(error, endpoint), scheduler),
    );
  const room = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`;
  return {
    members: ({ roomId, at }) =>
      get(`${room(roomId)}/members`, { params: { not_membership: "leave", ...(at !== undefined && { at }) } }),
    state: ({ roomId, eventType }) =>
      get(`${room(roomId)}/state/${eventType}/`, { isContent: true }).pipe(
        catchError((error: unknown) => (isMissing(error) ? of(undefined) : throwError(() => error))),
      ),
  };
}

const isMissing = (error: unknown): boolean =>
  error instanceof MatrixError && error.status === 404 && error.errcode === "M_NOT_FOUND";
