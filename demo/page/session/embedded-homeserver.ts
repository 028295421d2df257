import { map, switchMap, throwError, type Observable } from "rxjs";
import { fromFetch } from "rxjs/fetch";
import type { Place } from "./place.js";

/** The room of the people on the page, and the great one. */
const ROOM = "!kitchen:home.example";
const HALL = "!hall:home.example";

/** Logs in to the homeserver that comes with this page. */
export function embeddedPlace(): Observable<Place> {
  const homeserverUrl = location.origin;
  return call<{ user_id: string; device_id: string; access_token: string }>("POST", "/_matrix/client/v3/login", {
    type: "m.login.dummy",
  }).pipe(
    // The login created the device, so it has no keys, and no other client uses it.
    switchMap(({ user_id: userId, device_id: deviceId, access_token: accessToken }) =>
      worldState().pipe(
        map((world): Place => ({
          homeserverUrl,
          accessToken,
          userId,
          deviceId,
          room: ROOM,
          members: [],
          shown: world.people,
          embedded: true,
          ...(world.own_master_key !== undefined && { phoneShows: world.own_master_key }),
        })),
      ),
    ),
  );
}

/** The members of the great room. */
export const hallMembers = ({ accessToken }: Place): Observable<readonly string[]> =>
  call<{ joined: object }>(
    "GET",
    `/_matrix/client/v3/rooms/${encodeURIComponent(HALL)}/joined_members`,
    undefined,
    accessToken,
  ).pipe(map(({ joined }) => Object.keys(joined)));

/** The state of the embedded homeserver. */
export interface WorldState {
  readonly people: readonly string[];
  readonly members: readonly string[];
  readonly down: readonly string[];
  /** Users with a device that they have not signed yet. */
  readonly unsigned: readonly string[];
  /** The lies that the server is telling. */
  readonly tricks: readonly string[];
  /** The master key that our phone shows: it has no part in the lies. */
  readonly own_master_key?: string;
}

export const worldState = (): Observable<WorldState> => call("GET", "/control/world");

/** Makes people or the server do something: see `demo/homeserver/control-api.mjs`. */
export const control = (action: string, body: object): Observable<unknown> => call("POST", `/control/${action}`, body);

function call<T>(method: string, path: string, body?: object, token?: string): Observable<T> {
  const headers = {
    ...(body && { "content-type": "application/json" }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return fromFetch(path, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
    selector: async (response) => [response.ok, (await response.json()) as unknown] as const,
  }).pipe(
    switchMap(([ok, answer]) =>
      ok ? [answer as T] : throwError(() => new Error((answer as { error?: string }).error ?? `${path} failed`)),
    ),
  );
}
