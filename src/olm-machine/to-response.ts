import { serverName, type DeviceId, type UserId } from "../model/ids.js";
import type { UserDeviceKeys } from "../model/results.js";
import type { DeviceKeys, KeysQueryResponse } from "../model/wire.js";

/** The lists of a response; `undefined` is an empty one. */
type Answers = ReadonlyMap<UserId, UserDeviceKeys | undefined>;

/**
 * A response of `/keys/query` with these lists, as JSON. Devices and keys are verbatim, since signatures cover them; a
 * user without devices has an empty list, since a machine takes a user who is missing for unanswered. Refused devices
 * are left out, also in the form in which the tracker keeps them: no message is encrypted to them.
 * @param unreachable users whose servers are in `failures`
 */
export function toResponse(answers: Answers, unreachable: Iterable<UserId>): string {
  return JSON.stringify(responseOf(answers, unreachable));
}

/** The same, as an object. */
export function responseOf(answers: Answers, unreachable: Iterable<UserId>): KeysQueryResponse {
  const section = <Value>(valueOf: (keys: UserDeviceKeys) => Value | undefined): Record<UserId, Value> =>
    Object.fromEntries(
      Array.from(answers).flatMap(([userId, keys]) => {
        const value = keys && valueOf(keys);
        return value === undefined ? [] : [[userId, value]];
      }),
    );
  return {
    device_keys: Object.fromEntries(Array.from(answers, ([userId, keys]) => [userId, devicesOf(keys)])),
    failures: Object.fromEntries(Array.from(unreachable, (userId) => [serverName(userId), {}])),
    master_keys: section(({ masterKey }) => masterKey),
    self_signing_keys: section(({ selfSigningKey }) => selfSigningKey),
    user_signing_keys: section(({ userSigningKey }) => userSigningKey),
  };
}

function devicesOf(keys: UserDeviceKeys | undefined): Record<DeviceId, DeviceKeys> {
  if (keys === undefined) return {};
  return Object.fromEntries(Array.from(keys.deviceKeys).filter(([deviceId]) => !keys.rejected.has(deviceId)));
}
