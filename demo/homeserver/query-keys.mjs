import { ALICE } from "./kitchen.mjs";
import { serverOf } from "./user-id.mjs";

/**
 * The answer to a `/keys/query` of Alice's as of now. Matrix spec, client-server API, "POST /keys/query".
 *
 * @param {import("./world.mjs").World} world
 * @param {string[]} userIds
 */
export function queryKeys(world, userIds) {
  /** @type {Record<string, object>} */
  const device_keys = {};
  /** @type {Record<string, object>} */
  const failures = {};
  const [master_keys, self_signing_keys, user_signing_keys] = /** @type {Record<string, object>[]} */ ([{}, {}, {}]);
  for (const userId of userIds) {
    const list = world.deviceList(userId);
    if (world.down.has(serverOf(userId)))
      failures[serverOf(userId)] = { status: 503, message: "this server cannot be reached" };
    else if (list !== undefined) {
      device_keys[userId] = list;
      const identity = world.identity(userId);
      if (identity === undefined) continue;
      master_keys[userId] = identity.masterKey;
      self_signing_keys[userId] = identity.selfSigningKey;
      if (userId === ALICE) user_signing_keys[userId] = identity.userSigningKey; // each user gets only their own
    }
  }
  return { device_keys, failures, master_keys, self_signing_keys, user_signing_keys };
}
