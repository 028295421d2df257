import type { DeviceKeysByUser, UserDeviceKeys } from "../../src/model/results.js";

/** What matters of a result in most tests, a line for each user, such as `bob PHONE,LAPTOP current`. */
export const summary = (users: DeviceKeysByUser): readonly string[] =>
  Array.from(users, ([userId, result]) => `${localpart(userId)} ${oneUser(result)}`);

function oneUser({ deviceKeys, freshness, lastKnown }: UserDeviceKeys): string {
  const known = lastKnown === undefined ? "" : ` (last known ${ids(lastKnown)})`;
  return `${ids(deviceKeys)} ${freshness}${known}`;
}

const ids = (devices: ReadonlyMap<string, unknown>): string =>
  devices.size === 0 ? "-" : [...devices.keys()].join(",");

/** `bob` of `@bob:example.org`; what is no user ID as it is. */
export const localpart = (userId: string): string => /^@([^:]*):/u.exec(userId)?.[1] ?? userId;
