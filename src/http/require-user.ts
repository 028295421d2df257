import type { AxiosInstance, GenericAbortSignal } from "axios";
import {
  asyncScheduler,
  catchError,
  EMPTY,
  fromEvent,
  lastValueFrom,
  map,
  NEVER,
  of,
  ReplaySubject,
  share,
  takeLast,
  takeUntil,
  tap,
  throwError,
  type Observable,
} from "rxjs";
import { InvalidResponseError } from "../model/errors.js";
import type { UserId } from "../model/ids.js";
import { MatrixError } from "./matrix-error.js";
import { request } from "./request.js";
import { TokenOwnerError } from "./token-owner-error.js";
import { isServerFailure, isTransient } from "./transient.js";

const WHOAMI = "/account/whoami";
/** How long to wait for the response, in ms. */
const DEADLINE = 30_000;

/**
 * Asks once, before an instance sends its first request, whose its access token is. If it is that of another user, all
 * requests but a log-out fail with {@link TokenOwnerError}. So nothing that the server says of that user gets into the
 * store. Call it before any request; `connectDeviceTracker` does.
 *
 * Without a response, the requests that wait for it fail, and the next one asks again. If the response does not say it,
 * the requests are sent all the same, which shows whether a session has ended, and the next one asks again. If all
 * requests that wait are aborted, so is the question.
 *
 * @param http from `matrixHttp`
 * @example
 * const http = matrixHttp({ homeserverUrl, accessToken });
 * requireUser(http, userId);
 * @see Matrix spec, client-server API, `GET /_matrix/client/v3/account/whoami`
 */
export function requireUser(http: AxiosInstance, userId: UserId): void {
  const question = { method: "GET", endpoint: WHOAMI, params: {}, deadline: DEADLINE } as const;
  const checked$ = request(http, question, asyncScheduler).pipe(
    map(ownerIn),
    // A response is kept. A failure is not, and without subscribers, the request is aborted.
    share({ connector: () => new ReplaySubject<UserId>(1), resetOnComplete: false }),
    takeLast(1), // an error before the response is complete would end the request, and so drop the response
    tap((owner) => {
      if (owner !== userId) throw new TokenOwnerError(owner, userId);
    }),
    catchError((error: unknown) => (doesNotSay(error) ? EMPTY : throwError(() => error))),
  );
  http.interceptors.request.use(async (config) => {
    const { url = "", signal } = config;
    if (url !== WHOAMI && !url.startsWith("/logout"))
      await lastValueFrom(checked$.pipe(takeUntil(aborted(signal))), { defaultValue: undefined });
    return config; // axios does not send it if it is aborted
  });
}

function ownerIn({ user_id }: Readonly<Record<string, unknown>>): UserId {
  if (typeof user_id !== "string") throw new InvalidResponseError(WHOAMI, "user_id", "a string");
  return user_id;
}

const doesNotSay = (error: unknown): boolean =>
  error instanceof InvalidResponseError ||
  (error instanceof MatrixError && !isTransient(error, WHOAMI)) ||
  isServerFailure(error, WHOAMI);

function aborted(signal: GenericAbortSignal | undefined): Observable<unknown> {
  if (signal === undefined) return NEVER;
  return signal.aborted ? of(undefined) : fromEvent(signal as AbortSignal, "abort");
}
