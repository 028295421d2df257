/** @throws RangeError if a timeout is not a whole number of ms from 0 */
export function checkTimeout(timeout: number): void {
  if (!Number.isSafeInteger(timeout) || timeout < 0)
    throw new RangeError(`timeout must be a whole number of ms from 0, not ${timeout}`);
}
