/** A number that the server counted, and the one that it follows. */
export interface CountedNumber {
  readonly number: number;
  readonly since: number;
}

/** What a tab saw. */
export interface TabReport {
  readonly seen: number[];
  /** How many of them while the page was frozen. */
  whileFrozen: number;
  /** How often it was said that the leader is deposed. */
  deposed: number;
  failed: unknown;
  completed: boolean;
  /** Whether the page came back from the back/forward cache. */
  restored: boolean;
}
