/**
 * Longest delay of a platform timer, in ms; a longer one fires at once. HTML, "Timers": the delay is a 32-bit integer.
 */
export const MAX_DELAY = 2 ** 31 - 1;
