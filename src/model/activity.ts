/**
 * What a tracker is doing, and what it has done since it was made. `fetched` of `toFetch` is the progress of a large
 * lookup.
 */
export interface TrackerActivity {
  /** Users who wait for a request: as many are in flight as may be. */
  readonly waiting: number;
  /** Requests for device lists that are in flight. */
  readonly inFlight: number;
  /** Users whose query is over, with an answer or without, since the last time that there was nothing to fetch. */
  readonly fetched: number;
  /** Users who have been queried since then. As many as `fetched`: there is nothing to fetch now. */
  readonly toFetch: number;
  /** Signatures that were verified. */
  readonly verified: number;
  /** Users who were looked up and were in memory or in the store. */
  readonly hits: number;
  /** Users who were looked up and had to be fetched. */
  readonly misses: number;
  /** Queries that a change has superseded, users counted. */
  readonly superseded: number;
  /** Lists that the store refused, because another tab had committed a change. */
  readonly refused: number;
}

/** Counts what has changed, by so much. */
export type CountActivity = (changes: Partial<TrackerActivity>) => void;
