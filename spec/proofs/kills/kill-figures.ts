import type { Saved } from "../browser/page-events.js";
import type { TabRecord } from "../browser/tab-record.js";

/** What a run of kills came across: it proves little if no kill hits a transaction. */
export class KillFigures {
  kills = 0;
  inTransaction = 0;
  withUnsavedSteps = 0;
  beforeFirstStep = 0;
  lookups = 0;
  current = 0;
  currentAfterKill = 0;
  changes = 0;
  queries = 0;
  /** Databases that the browser found corrupted, and deleted. */
  databasesLost = 0;

  killed(tab: TabRecord): void {
    this.kills++;
    this.lookups += tab.lookups;
    this.current += tab.current;
    if (tab.openTransactions > 0) this.inTransaction++;
    if (tab.given > tab.synced) this.withUnsavedSteps++;
    if (tab.synced === -1) this.beforeFirstStep++;
  }

  restarted({ lists }: Saved): void {
    this.currentAfterKill += lists.filter(([, freshness]) => freshness === "current").length;
  }
}
