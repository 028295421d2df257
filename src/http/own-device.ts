import type { AxiosInstance } from "axios";
import { asyncScheduler, map, switchMap, type Observable, type SchedulerLike } from "rxjs";
import { InvalidResponseError } from "../model/errors.js";
import { serverName, type DeviceId, type UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import { DeviceInUseError } from "./device-in-use-error.js";
import { request } from "./request.js";

/** How long to wait for each response, in ms. */
const DEADLINE = 90_000;

/** The user and the device of an access token. */
export interface OwnDevice {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/**
 * Emits the user and the device of an access token, if the device has uploaded no keys: for tools that take a token and
 * need a device of their own. Cold; emits one value and completes.
 *
 * A sync with `since=T` makes the server delete the messages to this device up to T, room keys among them. A device
 * with keys belongs to another client, which would never get them. So check the token before the first sync.
 *
 * Fails with {@link DeviceInUseError} if the device has uploaded keys, or if that is unknown, with `MatrixError`,
 * `ConnectionError`, what `accessToken` threw, or `InvalidResponseError` if a response, or our list in it, is not
 * an object.
 *
 * @param http from `matrixHttp`
 * @param options.scheduler for deadlines, @default asyncScheduler
 * @example
 * ownDevice(http).subscribe(({ userId, deviceId }) => startSync(userId, deviceId));
 * @see Matrix spec, client-server API, `GET /_matrix/client/v3/account/whoami`, `POST /_matrix/client/v3/keys/query`
 */
export function ownDevice(
  http: AxiosInstance,
  { scheduler = asyncScheduler }: { readonly scheduler?: SchedulerLike } = {},
): Observable<OwnDevice> {
  const options = { params: {}, deadline: DEADLINE };
  const keysOf = (userId: UserId) =>
    request(
      http,
      { ...options, method: "POST", endpoint: "/keys/query", body: { device_keys: { [userId]: [] } } },
      scheduler,
    );
  return request(http, { ...options, method: "GET", endpoint: "/account/whoami" }, scheduler).pipe(
    switchMap(({ user_id: userId, device_id: deviceId }) => {
      if (typeof userId !== "string" || typeof deviceId !== "string") throw new DeviceInUseError("device-unknown");
      return keysOf(userId).pipe(
        map(({ device_keys: lists, failures }) => {
          if (!isObject(lists) || isUnanswered(userId, lists, failures))
            throw new DeviceInUseError("keys-unknown", deviceId);
          if (hasKeys(lists, userId, deviceId)) throw new DeviceInUseError("has-keys", deviceId);
          return { userId, deviceId };
        }),
      );
    }),
  );
}

/** True if our own server was not asked: a user without keys may be missing as well. */
function isUnanswered(userId: UserId, lists: object, failures: unknown): boolean {
  return !Object.hasOwn(lists, userId) && isObject(failures) && Object.hasOwn(failures, serverName(userId));
}

function hasKeys(lists: Readonly<Record<string, unknown>>, userId: UserId, deviceId: DeviceId): boolean {
  if (!Object.hasOwn(lists, userId)) return false;
  const devices = lists[userId];
  if (!isObject(devices)) throw new InvalidResponseError("/keys/query", `device_keys.${userId}`, "an object");
  return Object.hasOwn(devices, deviceId);
}
