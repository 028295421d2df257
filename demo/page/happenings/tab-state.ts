/** What a tab has to do with the sync loop that all tabs of a session share. */
export type SyncRole =
  | "this tab"
  | "another tab"
  /** Nobody has taken over yet, or the loop has ended for good. */
  | "nobody"
  /** The browser lets no tabs share: this one syncs for itself, and so does every other. */
  | "each tab";

/** Who syncs, and how many tabs there are. */
export interface TabState {
  readonly role: SyncRole;
  /** How many tabs take part. One that the browser has frozen does not; undefined where tabs cannot share. */
  readonly open: number | undefined;
}

/** How a tab that synced came to its end. */
export type Departure = "closed" | "frozen" | "left" | "without a word";

/** One tab has taken the sync loop over from another. */
export interface TakeOver {
  readonly departure: Departure;
  /** From its farewell until the next tab synced, in ms; undefined where it said none. */
  readonly after: number | undefined;
}
