import { serverName, type DeviceId, type UserId } from "../model/ids.js";
import type { UserDeviceKeys } from "../model/results.js";
import type { DeviceKeys, KeysQueryResponse } from "../model/wire.js";

/**
 * What a machine gets of a device that the tracker refuses although it knows an earlier form of it, such as a device
 * with another key: nothing (`omit`), or that form (`as-before`).
 */
export type RefusedDevices = "omit" | "as-before";

/** The lists of a response; `undefined` is an empty one. */
type Answers = ReadonlyMap<UserId, UserDeviceKeys | undefined>;

/**
 * Returns a response of `/keys/query` with these lists, as JSON. Devices and keys are verbatim, since signatures cover
 * them. A user without devices has an empty list, since for a machine a missing user is unanswered.
 * @param unreachable users of servers in `failures`
 */
export function toResponse(answers: Answers, unreachable: Iterable<UserId>, refused?: RefusedDevices): string {
  return JSON.stringify(responseOf(answers, unreachable, refused));
}

/** Like {@link toResponse}, but returns an object. */
export function responseOf(
  answers: Answers,
  unreachable: Iterable<UserId>,
  refused: RefusedDevices = "omit",
): KeysQueryResponse {
  const section = <Value>(valueOf: (keys: UserDeviceKeys) => Value | undefined): Record<UserId, Value> =>
    Object.fromEntries(
      Array.from(answers).flatMap(([userId, keys]) => {
        const value = keys && valueOf(keys);
        return value === undefined ? [] : [[userId, value]];
      }),
    );
  return {
    device_keys: Object.fromEntries(Array.from(answers, ([userId, keys]) => [userId, devicesOf(keys, refused)])),
    failures: Object.fromEntries(Array.from(unreachable, (userId) => [serverName(userId), {}])),
    master_keys: section(({ masterKey }) => masterKey),
    self_signing_keys: section(({ selfSigningKey }) => selfSigningKey),
    user_signing_keys: section(({ userSigningKey }) => userSigningKey),
  };
}

function devicesOf(keys: UserDeviceKeys | undefined, refused: RefusedDevices): Record<DeviceId, DeviceKeys> {
  if (keys === undefined) return {};
  const isGiven = (deviceId: DeviceId) => refused === "as-before" || !keys.rejected.has(deviceId);
  return Object.fromEntries(Array.from(keys.deviceKeys).filter(([deviceId]) => isGiven(deviceId)));
}
