/**
 * Returns the wait before a retry, in ms: 2 s after the first failure, doubling to 5 min.
 * @param failures in a row, before the last one
 */
export const retryWait = (failures: number): number => Math.min(2_000 * 2 ** failures, 300_000);
