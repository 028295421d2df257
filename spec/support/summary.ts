import type { DeviceKeysByUser, UserDeviceKeys } from "../../src/model/results.js";

/** A result in one line for each user, such as `bob PHONE,LAPTOP current`. */
export const summary = (users: DeviceKeysByUser): readonly string[] =>
  Array.from(users, ([userId, result]) => `${localpart(userId)} ${oneUser(result)}`);

function oneUser({ deviceKeys, freshness, lastKnown }: UserDeviceKeys): string {
  const known = lastKnown === undefined ? "" : ` (last known ${ids(lastKnown)})`;
  return `${ids(deviceKeys)} ${freshness}${known}`;
}

const ids = (devices: ReadonlyMap<string, unknown>): string =>
  devices.size === 0 ? "-" : [...devices.keys()].join(",");

/** `bob` for `@bob:example.org`; a string that is not a user ID as it is. */
export const localpart = (userId: string): string => /^@([^:]*):/u.exec(userId)?.[1] ?? userId;
