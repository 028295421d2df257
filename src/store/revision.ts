/**
 * A user's revision: the commit that last changed them.
 *
 * In memory, revisions are compared by identity: a different object means that the user has changed. In the store, they
 * are compared by number: a different number means that another tab committed a change. In memory, numbers are never
 * compared: the number of an uncommitted change is a guess (the head plus its place in the queue), and a rebase
 * replaces the object.
 */
export interface Revision {
  readonly number: number;
  /**
   * True if another tracker announced a change of the user that it cannot commit: only a list requested at this object
   * is up to date.
   */
  readonly doubted?: true;
}
