/** What a tab has to do with the sync loop that all tabs of a session share. */
export type SyncRole =
  | "this tab"
  | "another tab"
  /** No tab has taken over yet, or the loop has ended for good. */
  | "no tab"
  /** The browser does not let tabs share: every tab syncs by itself. */
  | "each tab";

/** Which tab syncs, and how many tabs there are. */
export interface TabState {
  readonly role: SyncRole;
  /** How many tabs take part; a frozen tab does not. `undefined` if tabs cannot share. */
  readonly open: number | undefined;
}

/** Why a tab stopped syncing; `silent` if it did not say. */
export type Departure = "closed" | "frozen" | "left" | "silent";

/** One tab has taken the sync loop over from another. */
export interface TakeOver {
  readonly departure: Departure;
  /** From the farewell of the former tab until the next one synced, in ms; `undefined` without a farewell. */
  readonly after: number | undefined;
}
