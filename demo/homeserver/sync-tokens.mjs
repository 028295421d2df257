import { MatrixRefusal } from "./matrix-refusal.mjs";

/** @param {string} life of the world whose stream it is */
export function syncTokens(life) {
  return {
    /** The token of a position in the stream. */
    at: (/** @type {number} */ position) => `s${position}_${life}`,
    /** The position of a token. */
    positionOf: (/** @type {string | null} */ token) => {
      const [, position, itsLife] = /^s(\d+)_(\w+)$/.exec(token ?? "") ?? [];
      if (itsLife !== life)
        throw new MatrixRefusal(400, "M_UNKNOWN", `"${token}" is not a position in this server’s stream`);
      return Number(position);
    },
  };
}
