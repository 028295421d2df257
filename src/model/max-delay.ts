/** Longest delay of a platform's timer, in ms; one that is longer fires at once. HTML, "Timers": the delay is a 32-bit integer. */
export const MAX_DELAY = 2 ** 31 - 1;
