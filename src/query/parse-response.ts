import { InvalidResponseError } from "../model/errors.js";
import { serverName, type DeviceId, type UserId } from "../model/ids.js";
import type { RejectionReason } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import { checkCrossSigningKey, checkDevice, type CrossSigningUsage } from "../keys/check-device.js";
import type { AnsweredList } from "../trust/device-list.js";
import { isObject, own } from "../keys/json.js";
import { MAX_DEVICES_PER_USER, MAX_LIST_LENGTH, MAX_REJECTED_PER_USER, shortId } from "../keys/limits.js";

/** What one answer says of one user. */
export interface FetchedList {
  readonly list: AnsweredList;
  /** Whether their server answered; where it did not, the list must not be cached. */
  readonly reachable: boolean;
  /** Parts of the answer about this user, apart from devices, that were left out: where, and why. */
  readonly refusals: readonly { readonly path: string; readonly problem: string }[];
}

/** What an answer says of a user. Read when it is called, for an answer about many takes longer to read than a page may be held up. */
export type Answered = (userId: UserId) => FetchedList;

/**
 * Reads an answer of `POST /_matrix/client/v3/keys/query`, for whoever was asked for.
 *
 * 1. An answer that is none as a whole throws {@link InvalidResponseError}.
 * 2. A user missing from `device_keys` has no devices; a user whose server is in `failures`, or whose part is no device list, is not reachable.
 * 3. One bad device or cross-signing key costs only itself.
 */
export function parseAnswer(answer: unknown, ownUserId: UserId, fetchedAt: number): Answered {
  if (!isObject(answer)) throw new InvalidResponseError("/keys/query", "", "an object");
  const section = (name: string) => {
    const value = own(answer, name) ?? {}; // null, too: some servers write an empty map so
    if (!isObject(value)) throw new InvalidResponseError("/keys/query", name, "an object");
    return value;
  };
  const devices = section("device_keys");
  const failures = section("failures");
  const crossSigning = [
    ["masterKey", "master", "master_keys", section("master_keys")],
    ["selfSigningKey", "self_signing", "self_signing_keys", section("self_signing_keys")],
    ["userSigningKey", "user_signing", "user_signing_keys", section("user_signing_keys")],
  ] as const;

  return (userId) => {
    const refusals: { path: string; problem: string }[] = [];
    const theirs = own(devices, userId) ?? {};
    const usable = isObject(theirs);
    if (!usable) refusals.push({ path: "device_keys", problem: "expected devices by ID" });
    const list: { -readonly [K in keyof AnsweredList]: AnsweredList[K] } = {
      ...parseDevices(usable ? theirs : {}, userId),
      fetchedAt,
    };
    for (const [name, usage, path, byUser] of crossSigning) {
      const value = own(byUser, userId) ?? undefined;
      if (value === undefined || (usage === "user_signing" && userId !== ownUserId)) continue; // others' are not ours to see
      const checked = checkCrossSigningKey(value, userId, usage satisfies CrossSigningUsage);
      if ("key" in checked) list[name] = checked.key;
      else refusals.push({ path, problem: checked.problem });
    }
    return {
      list,
      reachable: usable && !Object.hasOwn(failures, serverName(userId)),
      refusals,
    };
  };
}

function parseDevices(
  theirs: Readonly<Record<string, unknown>>,
  userId: UserId,
): Pick<AnsweredList, "deviceKeys" | "rejected"> {
  const deviceKeys = new Map<DeviceId, DeviceKeys>();
  const rejected = new Map<DeviceId, RejectionReason>();
  const reject = (deviceId: DeviceId, reason: RejectionReason) => {
    if (rejected.size < MAX_REJECTED_PER_USER) rejected.set(shortId(deviceId), reason);
  };
  let count = 0;
  let length = 0;
  for (const [deviceId, value] of Object.entries(theirs)) {
    if (++count > MAX_DEVICES_PER_USER) {
      reject(deviceId, {
        code: "too-many-devices",
        detail: `only the first ${MAX_DEVICES_PER_USER} devices of a user are looked at`,
      });
      continue;
    }
    const checked = checkDevice(value, userId, deviceId);
    if ("rejected" in checked) {
      reject(deviceId, checked.rejected);
    } else if (length + checked.length > MAX_LIST_LENGTH) {
      reject(deviceId, {
        code: "too-large",
        detail: `more than ${MAX_LIST_LENGTH} characters of JSON in all devices of the user`,
      });
    } else {
      length += checked.length;
      deviceKeys.set(deviceId, checked.device);
    }
  }
  return { deviceKeys, rejected };
}
