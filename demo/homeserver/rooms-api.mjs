import { ALICE } from "./kitchen.mjs";
import { MatrixRefusal } from "./matrix-refusal.mjs";

/** @typedef {import("./homeserver.mjs").Call} Call */

/**
 * The kitchen in the Matrix client-server API: its members and its state, and what Alice does there.
 *
 * @param {import("./world.mjs").World} world
 * @param {(token: string | null) => number} positionOf the position of a sync token
 * @param {(call: Call) => unknown} authenticate refuses a request without a valid access token
 * @returns {Record<string, (call: Call) => unknown>} by method and path
 */
export function roomsApi(world, positionOf, authenticate) {
  const { kitchen } = world;
  const path = `/_matrix/client/v3/rooms/${kitchen.roomId}`;
  const visibility = "m.room.history_visibility";

  /** @param {(call: Call) => unknown} answer */
  const asMember = (answer) => (/** @type {Call} */ call) => {
    authenticate(call);
    if (kitchen.membership(ALICE) !== "join") throw new MatrixRefusal(403, "M_FORBIDDEN", "you are not in this room");
    return answer(call);
  };

  /** @param {(userId: string) => void} act @returns {(call: Call) => unknown} */
  const toUser = (act) =>
    asMember(({ body: { user_id: userId } }) => {
      if (typeof userId !== "string") throw new MatrixRefusal(400, "M_BAD_JSON", "user_id should be a string");
      act(userId);
      return {};
    });

  const state = (/** @type {string} */ type) =>
    asMember(() => {
      const content = kitchen.content(type);
      if (content === undefined) throw new MatrixRefusal(404, "M_NOT_FOUND", `the room has no ${type}`);
      return content;
    });

  return {
    [`GET ${path}/members`]: asMember(({ query }) => {
      const at = query.has("at") ? positionOf(query.get("at")) : Infinity;
      const isWanted = (/** @type {import("./room.mjs").StateEvent} */ { type, content }) =>
        type === "m.room.member" && content.membership !== query.get("not_membership");
      return { chunk: kitchen.stateAt(at).filter(isWanted) };
    }),
    [`GET ${path}/state/m.room.encryption/`]: state("m.room.encryption"),
    [`GET ${path}/state/${visibility}/`]: state(visibility),
    [`PUT ${path}/state/${visibility}/`]: asMember(({ body }) => {
      kitchen.set(ALICE, visibility, body);
      return {};
    }),
    [`POST ${path}/invite`]: toUser((userId) => world.invite(userId)),
    [`POST ${path}/kick`]: toUser((userId) => world.kick(userId)),
    [`POST ${path}/leave`]: asMember(() => {
      world.leave(ALICE);
      return {};
    }),
    [`POST ${path}/join`]: (call) => {
      authenticate(call);
      world.join(ALICE);
      return { room_id: kitchen.roomId };
    },
  };
}
