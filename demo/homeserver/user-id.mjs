/** Everything after the first `:` of a user ID. */
export const serverOf = (/** @type {string} */ userId) => userId.slice(userId.indexOf(":") + 1);

/** A first name for a user ID: `Bob` for `@bob:home.example`. */
export const firstName = (/** @type {string} */ userId) =>
  userId.slice(1, 2).toUpperCase() + userId.slice(2, userId.indexOf(":"));
