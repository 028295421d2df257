/**
 * The revision of a user: the commit that last changed them.
 *
 * Two questions are asked of it. In memory: *is it still the same object?* If not, the user changed in the meantime. In
 * the store: *is it still the same number?* If not, another tab committed a change. The number of a change that is not
 * committed yet is a guess (the head plus its place in the queue), and a rebase replaces the object. So numbers are
 * never compared in memory.
 */
export interface Revision {
  readonly number: number;
  /**
   * Another tracker announced a change of the user that it cannot commit: only a list that was asked for at this very
   * object is up to date.
   */
  readonly doubted?: true;
}
