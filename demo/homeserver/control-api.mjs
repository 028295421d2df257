import { MatrixRefusal } from "./matrix-refusal.mjs";

/** @typedef {import("./homeserver.mjs").Call} Call */

/** The longest that a query can be made to take, in ms. */
const SLOWEST = 30_000;

/**
 * What other people and a dishonest server do at the push of a button. It is not part of Matrix.
 *
 * @param {import("./world.mjs").World} world
 * @param {import("./slow-query.mjs").SlowQuery} slowQuery
 * @param {import("./tricks.mjs").Tricks} tricks
 * @returns {Record<string, (call: Call) => unknown>} by method and path
 */
export function controlApi(world, slowQuery, tricks) {
  return {
    "GET /control/world": () => ({
      people: world.people(),
      members: world.members(),
      down: [...world.down],
      unsigned: world.unsigned(),
      tricks: tricks.played,
      own_master_key: world.ownMasterKey,
    }),
    "POST /control/add-device": ({ body }) => ({ device_id: world.addDevice(text(body, "user_id")) }),
    "POST /control/remove-device": ({ body }) => ({ device_id: world.removeDevice(text(body, "user_id")) }),
    "POST /control/rekey-device": ({ body }) => ({ device_id: world.rekeyDevice(text(body, "user_id")) }),
    "POST /control/sign-devices": ({ body }) => done(world.signDevices(text(body, "user_id"))),
    "POST /control/reset-identity": ({ body }) => done(world.resetIdentity(text(body, "user_id"))),
    "POST /control/play-trick": ({ body }) => done(tricks.play(text(body, "trick"))),
    "POST /control/take-back-trick": ({ body }) => done(tricks.takeBack(text(body, "trick"))),
    "POST /control/leave": ({ body }) => done(world.leave(text(body, "user_id"))),
    "POST /control/join": ({ body }) => done(world.join(text(body, "user_id"))),
    /**
     * `change_user_id` (optional) signs in on a new device just before: the change is announced, but their server does
     * not answer.
     */
    "POST /control/server-down": ({ body }) => {
      if (body.change_user_id !== undefined) world.addDevice(text(body, "change_user_id"));
      return done(world.takeDown(text(body, "server")));
    },
    "POST /control/server-up": ({ body }) => done(world.bringUp(text(body, "server"))),
    /** `change_user_id` (optional) signs in on a new device `change_after` ms into the query. */
    "POST /control/slow-next-query": ({ body }) => {
      const answerAfter = milliseconds(body, "answer_after");
      if (body.change_user_id === undefined) return done(slowQuery.plan({ answerAfter }));
      const userId = text(body, "change_user_id");
      return done(
        slowQuery.plan({
          answerAfter,
          changeAfter: milliseconds(body, "change_after"),
          change: () => void world.addDevice(userId),
        }),
      );
    },
  };
}

const done = (/** @type {void} */ _) => ({});

/** @param {Record<string, unknown>} body @param {string} name */
function text(body, name) {
  const value = body[name];
  if (typeof value !== "string") throw new MatrixRefusal(400, "M_BAD_JSON", `${name} should be a string`);
  return value;
}

/** @param {Record<string, unknown>} body @param {string} name */
function milliseconds(body, name) {
  const value = body[name];
  if (typeof value !== "number" || !(value >= 0 && value <= SLOWEST))
    throw new MatrixRefusal(400, "M_BAD_JSON", `${name} should be a number of ms, at most ${SLOWEST}`);
  return value;
}
