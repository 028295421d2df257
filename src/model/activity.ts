/**
 * What a tracker is doing, and what it has done since it was created. `fetched` of `toFetch` is the progress of a large
 * lookup.
 */
export interface TrackerActivity {
  /** Users that wait for a request, because the maximum number is in flight. */
  readonly waiting: number;
  /** `/keys/query` requests in flight. */
  readonly inFlight: number;
  /** Users whose query has ended, with or without an answer, since there was last nothing to fetch. */
  readonly fetched: number;
  /** Users queried since then. If it equals `fetched`, there is nothing to fetch now. */
  readonly toFetch: number;
  /** Verified signatures. */
  readonly verified: number;
  /** Users found in memory or in the store. */
  readonly hits: number;
  /** Users that had to be fetched. */
  readonly misses: number;
  /** Queries superseded by a change, counted per user. */
  readonly superseded: number;
  /** Lists that the store refused because another tab had committed a change. */
  readonly refused: number;
}

/** Adds these amounts to the counts. */
export type CountActivity = (changes: Partial<TrackerActivity>) => void;
