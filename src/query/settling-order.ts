import { DEVICES_AT_A_TIME, MAX_DEVICES_TOGETHER, USERS_AT_A_TIME } from "../model/batch-sizes.js";
import type { UserId } from "../model/ids.js";
import type { ParsedResponse } from "./parse-response.js";

export interface SettlingOrder {
  /** Users that are settled together, in the portions in which they are parsed and verified. */
  readonly portions: readonly (readonly UserId[])[];
  /** Users with many devices, settled one by one after all others; those with the fewest devices come first. */
  readonly apart: readonly UserId[];
}

/**
 * Orders the users of a response so that no user waits for another user's thousands of devices.
 *
 * Our own user is never settled apart: what our list says of other identities must be known before those are saved.
 */
export function settlingOrder(
  userIds: readonly UserId[],
  { countDevices }: Pick<ParsedResponse, "countDevices">,
  ownUserId: UserId,
): SettlingOrder {
  const counts = new Map(userIds.map((userId) => [userId, countDevices(userId)]));
  const countOf = (userId: UserId) => counts.get(userId) ?? 0;
  const isApart = (userId: UserId) => userId !== ownUserId && countOf(userId) > MAX_DEVICES_TOGETHER;
  const portions: UserId[][] = [];
  let devices = 0;
  for (const userId of userIds) {
    if (isApart(userId)) continue;
    devices += countOf(userId);
    const last = portions.at(-1);
    if (last === undefined || last.length === USERS_AT_A_TIME || devices > DEVICES_AT_A_TIME) {
      portions.push([userId]);
      devices = countOf(userId);
    } else last.push(userId);
  }
  return { portions, apart: userIds.filter(isApart).sort((a, b) => countOf(a) - countOf(b)) };
}
