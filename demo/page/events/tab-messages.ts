import type { Departure, TakeOver } from "./tab-state.js";

/**
 * What the tabs of a session send each other so that the page can say what happened. Which tab syncs does not depend on
 * it.
 */
export type TabMessage =
  | Farewell
  /** From the tab that syncs from now on. */
  | { readonly type: "took-over"; readonly takeOver: TakeOver };

/** From the syncing tab, just before it stops; in ms since 1970, a clock that all tabs share. */
export interface Farewell {
  readonly type: "farewell";
  readonly departure: Departure;
  readonly at: number;
}
