import { checkCrossSigningKey } from "../keys/check-cross-signing-key.js";
import { checkDevice, isDeviceShaped } from "../keys/check-device.js";
import { CROSS_SIGNING_KINDS, type CrossSigningKeys } from "../keys/cross-signing-keys.js";
import { own, sameJson } from "../keys/json.js";
import {
  MAX_DEVICES_PER_USER,
  MAX_LIST_LENGTH,
  MAX_LISTED_DEVICES_PER_USER,
  MAX_REJECTED_PER_USER,
} from "../keys/limits.js";
import { isFull, reject } from "../keys/reject.js";
import type { RefusedPart, UnverifiedList } from "../keys/unverified-list.js";
import { InvalidResponseError } from "../model/errors.js";
import { serverName, type DeviceId, type UserId } from "../model/ids.js";
import { isObject } from "../model/json.js";
import { keysQuerySections, type KeysQuerySections } from "../model/keys-query-sections.js";
import type { RejectionReason } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";

export interface ParsedUser {
  readonly list: UnverifiedList;
  /** True if the response is about this user at all. If false, the list must not be cached. */
  readonly reachable: boolean;
  readonly refusals: readonly RefusedPart[];
  /** Length of the listed devices' JSON, in characters. */
  readonly length: number;
  /** True if the response lists a device of this ID, even a malformed one or one beyond the limits. */
  readonly isListed: (deviceId: DeviceId) => boolean;
}

/** A response, parsed per user on demand: parsing many users at once would block the page for too long. */
export interface ParsedResponse {
  /** In ms since the epoch. */
  readonly fetchedAt: number;
  /** {@link ParsedUser.reachable}, without parsing the user's part. */
  readonly isReachable: (userId: UserId) => boolean;
  /** True if the user is unreachable because of their homeserver. */
  readonly hasServerFailed: (userId: UserId) => boolean;
  /** The number of listed devices, well-formed or not; counted only up to the number that is looked at. */
  readonly countDevices: (userId: UserId) => number;
  readonly parseUser: (userId: UserId) => ParsedUser;
  /** True if the user's part is what this list was made from, with nothing refused: it need not be parsed. */
  readonly isSame: (userId: UserId, list: UnverifiedList) => boolean;
}

/**
 * Parses a response of `POST /_matrix/client/v3/keys/query`.
 *
 * 1. A user in `device_keys` is reachable, even if their server is in `failures`; but not if their part is not a device
 *    list.
 * 2. A user missing from `device_keys` has no devices, unless they are in `unanswered` or their server is in
 *    `failures`: then they are unreachable.
 * 3. A malformed device or cross-signing key is dropped alone.
 *
 * @throws InvalidResponseError if the response as a whole is malformed, has none of the known sections, or has an
 * `errcode`
 */
export function parseResponse(response: unknown, ownUserId: UserId, fetchedAt: number): ParsedResponse {
  const sections = keysQuerySections(response);
  const { device_keys: devices, failures } = sections;
  const unanswered = unansweredOf(response);
  const hasServerFailed = (userId: UserId): boolean =>
    (own(devices, userId) ?? undefined) === undefined &&
    !unanswered.has(userId) &&
    Object.hasOwn(failures, serverName(userId));
  const isReachable = (userId: UserId): boolean => {
    const theirs = own(devices, userId) ?? undefined;
    return theirs === undefined ? !unanswered.has(userId) && !hasServerFailed(userId) : isObject(theirs);
  };
  const names = new Map<UserId, readonly DeviceId[]>();
  const namesOf = (userId: UserId): readonly DeviceId[] => {
    const theirs = own(devices, userId);
    const known = names.get(userId) ?? (isObject(theirs) ? firstNames(theirs, MAX_NAMES) : []);
    names.set(userId, known);
    return known;
  };
  const parseUser = (userId: UserId): ParsedUser => {
    const given = own(devices, userId) ?? {};
    const isUsable = isObject(given);
    const theirs = isUsable ? given : {};
    const { keys, refusals } = parseCrossSigningKeys(sections, userId, ownUserId);
    const { length, ...devicesOfUser } = parseDevices(theirs, namesOf(userId), userId);
    return {
      list: { ...devicesOfUser, ...keys, fetchedAt },
      reachable: isReachable(userId),
      refusals: isUsable ? refusals : [{ path: "device_keys", problem: "expected devices by ID" }, ...refusals],
      length,
      isListed: (deviceId) => Object.hasOwn(theirs, deviceId),
    };
  };
  const isSame = (userId: UserId, list: UnverifiedList): boolean => {
    const theirs = own(devices, userId);
    const names = namesOf(userId);
    return (
      isObject(theirs) &&
      list.rejected.size === 0 &&
      names.length === list.deviceKeys.size &&
      names.every((deviceId) => sameJson(list.deviceKeys.get(deviceId), theirs[deviceId])) &&
      CROSS_SIGNING_KINDS.every(({ name, usage, section }) => {
        const isVisible = usage !== "user_signing" || userId === ownUserId;
        return sameJson(list[name], isVisible ? (own(sections[section], userId) ?? undefined) : undefined);
      })
    );
  };
  const countDevices = (userId: UserId) => namesOf(userId).length;
  return { fetchedAt, isReachable, hasServerFailed, countDevices, parseUser, isSame };
}

/**
 * How many device IDs of one user are looked at: those that may be accepted, plus those that may be listed as refused.
 */
const MAX_NAMES = MAX_LISTED_DEVICES_PER_USER + MAX_REJECTED_PER_USER;

/**
 * Returns the first names of an object. Avoids `Object.keys`, since there may be millions. As an engine may still look
 * at all of them, this is done once per user.
 */
function firstNames(object: Readonly<Record<string, unknown>>, limit: number): readonly string[] {
  const names: string[] = [];
  for (const name in object) {
    if (names.length === limit) break;
    if (Object.hasOwn(object, name)) names.push(name);
  }
  return names;
}

/** @throws InvalidResponseError if it is not a list */
function unansweredOf(response: unknown): ReadonlySet<unknown> {
  const value = (isObject(response) ? own(response, "unanswered") : undefined) ?? [];
  if (!Array.isArray(value)) throw new InvalidResponseError("/keys/query", "unanswered", "an array");
  return new Set<unknown>(value);
}

function parseCrossSigningKeys(sections: KeysQuerySections, userId: UserId, ownUserId: UserId) {
  const keys: { -readonly [K in keyof CrossSigningKeys]: CrossSigningKeys[K] } = {};
  const refusals: RefusedPart[] = [];
  for (const { name, usage, section } of CROSS_SIGNING_KINDS) {
    const value = own(sections[section], userId) ?? undefined;
    // A user-signing key is visible only to its own user.
    if (value === undefined || (usage === "user_signing" && userId !== ownUserId)) continue;
    const checked = checkCrossSigningKey(value, userId, usage);
    if ("key" in checked) keys[name] = checked.key;
    else refusals.push({ path: section, problem: checked.problem });
  }
  return { keys, refusals };
}

const TOO_MANY: RejectionReason = {
  code: "too-many-devices",
  detail:
    `only the first ${MAX_DEVICES_PER_USER} devices of a user are accepted, ` +
    `among the first ${MAX_LISTED_DEVICES_PER_USER} listed`,
};

function parseDevices(
  theirs: Readonly<Record<string, unknown>>,
  names: readonly DeviceId[],
  userId: UserId,
): Pick<UnverifiedList, "deviceKeys" | "rejected"> & Pick<ParsedUser, "length"> {
  const deviceKeys = new Map<DeviceId, DeviceKeys>();
  const rejected = new Map<DeviceId, RejectionReason>();
  let count = 0;
  let length = 0;
  for (const deviceId of names) {
    if (++count > MAX_LISTED_DEVICES_PER_USER || deviceKeys.size === MAX_DEVICES_PER_USER) {
      if (isFull(rejected)) break;
      reject(rejected, deviceId, TOO_MANY);
      continue;
    }
    const value = theirs[deviceId];
    if (isFull(rejected) && !isDeviceShaped(value)) continue; // finding out why would take time
    const checked = checkDevice(value, userId, deviceId);
    if ("rejected" in checked) {
      reject(rejected, deviceId, checked.rejected);
    } else if (length + checked.length > MAX_LIST_LENGTH) {
      const detail = `more than ${MAX_LIST_LENGTH} characters of JSON in all devices of the user`;
      reject(rejected, deviceId, { code: "too-large", detail });
    } else {
      length += checked.length;
      deviceKeys.set(deviceId, checked.device);
    }
  }
  return { deviceKeys, rejected, length };
}
