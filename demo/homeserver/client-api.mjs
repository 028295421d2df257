import { setTimeout as sleep } from "node:timers/promises";
import { HALL } from "./crowd.mjs";
import { ALICE, HOME } from "./kitchen.mjs";
import { MatrixRefusal } from "./matrix-refusal.mjs";
import { queryKeys } from "./query-keys.mjs";
import { roomsApi } from "./rooms-api.mjs";
import { syncRooms } from "./sync-rooms.mjs";
import { syncTokens } from "./sync-tokens.mjs";

/** The access token of a login: a new device, which never uploads keys. */
const DEMO_TOKEN = "demo";
/** The access token of Alice's phone, which has keys: syncing with it deletes the phone's messages. */
const PHONE_TOKEN = "phone";
/** The longest that a `/sync` is held, in ms, whatever the client asks for. */
const LONGEST_POLL = 60_000;

/** @typedef {import("./homeserver.mjs").Call} Call */

/**
 * The part of the Matrix client-server API that a device tracker and its application need.
 *
 * @param {import("./world.mjs").World} world
 * @param {import("./slow-query.mjs").SlowQuery} slowQuery
 * @param {() => number} latency how long the next `/keys/query` takes, in ms
 * @returns {Record<string, (call: Call) => unknown>} by method and path
 */
export function clientApi(world, slowQuery, latency) {
  const { announcements } = world;
  const tokens = syncTokens(world.life);
  const demoDevice = `DEMO${world.life}`;

  /** The device that a request comes from. */
  const device = (/** @type {Call} */ { token }) => {
    if (token === undefined) throw new MatrixRefusal(401, "M_MISSING_TOKEN", "an access token is required");
    if (token === DEMO_TOKEN) return demoDevice;
    const phone = Object.keys(world.deviceList(ALICE) ?? {})[0];
    if (token === PHONE_TOKEN && phone !== undefined) return phone;
    throw new MatrixRefusal(401, "M_UNKNOWN_TOKEN", "the access token is not known");
  };

  const logIn = () => ({ user_id: ALICE, access_token: DEMO_TOKEN, device_id: demoDevice, home_server: HOME });

  return {
    "GET /_matrix/client/versions": () => ({ versions: ["v1.11"] }),
    "GET /_matrix/client/v3/login": () => ({ flows: [{ type: "m.login.password" }] }),
    "POST /_matrix/client/v3/login": logIn,
    "POST /_matrix/client/v3/register": logIn,

    "GET /_matrix/client/v3/account/whoami": (call) => ({ user_id: ALICE, device_id: device(call) }),

    ...roomsApi(world, tokens.positionOf, device),

    [`GET /_matrix/client/v3/rooms/${HALL}/joined_members`]: (call) => {
      device(call);
      return { joined: Object.fromEntries(world.crowd.userIds.map((userId) => [userId, {}])) };
    },

    "GET /_matrix/client/v3/sync": async (call) => {
      device(call);
      const since = call.query.get("since");
      const from = since === null ? null : tokens.positionOf(since);
      const isLazy = filterOf(call).room?.state?.lazy_load_members === true;
      if (announcements.position === from && !call.signal.aborted) {
        await announcements.next(Math.min(Number(call.query.get("timeout") ?? 0) || 0, LONGEST_POLL), call.signal);
      }
      const to = announcements.position;
      const rooms = syncRooms(world.kitchen, from, to, isLazy);
      return {
        next_batch: tokens.at(to),
        // An initial sync announces no users.
        ...(from !== null && from !== to && { device_lists: announcements.between(from, to) }),
        ...(rooms && { rooms }),
      };
    },

    "GET /_matrix/client/v3/keys/changes": (call) => {
      device(call);
      return announcements.between(tokens.positionOf(call.query.get("from")), tokens.positionOf(call.query.get("to")));
    },

    "POST /_matrix/client/v3/keys/query": async (call) => {
      device(call);
      const { device_keys: wanted } = call.body;
      if (wanted === null || typeof wanted !== "object")
        throw new MatrixRefusal(400, "M_BAD_JSON", "device_keys should be an object");
      // A real server reads its database when the request arrives and answers later: a change in between is not in the
      // answer.
      const read = queryKeys(world, Object.keys(wanted));
      await (slowQuery.take(call.signal) ?? sleep(latency(), undefined, { signal: call.signal }));
      return read;
    },
  };
}

/** The filter of a sync: this server keeps none under an ID. @param {Call} call @returns {any} */
function filterOf({ query }) {
  try {
    return JSON.parse(query.get("filter") ?? "{}") ?? {};
  } catch {
    throw new MatrixRefusal(400, "M_INVALID_PARAM", "filter should be JSON");
  }
}
