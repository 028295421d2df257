import type { SyncRole, TabState, TakeOver } from "../events/tab-state.js";

/** Who syncs, in a word or two: the headline. */
export const WHO_SYNCS: Readonly<Record<SyncRole, string>> = {
  "this tab": "This tab syncs",
  "another tab": "Another tab syncs, this one listens",
  nobody: "No tab syncs at the moment",
  "each tab": "Each tab syncs for itself",
};

/** What that means, and what happens when a tab is closed. */
export function whatItMeans({ role, open = 1 }: TabState): string {
  switch (role) {
    case "this tab":
      return open < 2
        ? "No other tab is open and awake. One more would listen to this one, read the same store, and sync in its place once this one is closed."
        : `${together(open)} This one asks the server, and passes on what it hears. Close it, and another takes over.`;
    case "another tab":
      return `${together(open)} This one hears what the other is told, and takes over when that is closed, crashed or frozen.`;
    case "nobody":
      return "The sync loop has ended, or its tab has just gone.";
    case "each tab":
      return "This browser has no Web Locks, or denies them to this page, so tabs cannot agree on one that syncs. Every one asks the server for itself.";
  }
}

/** What a tab says of a shift where no tab has gone. */
export function shiftSentence(before: SyncRole | undefined, now: SyncRole): string | undefined {
  if (before === "this tab" && now !== "this tab") return "This tab no longer syncs.";
  if (before === undefined && now === "another tab") return "Another tab syncs already: this one listens.";
  return undefined;
}

const GONE = {
  closed: "The tab that synced was closed or reloaded",
  frozen: "The tab that synced was frozen by the browser",
  left: "The tab that synced turned to another homeserver",
  "without a word": "The tab that synced fell silent (it crashed, or hangs)",
} as const;

export function takeOverSentence(by: "this tab" | "another tab", { departure, after }: TakeOver): string {
  return `${GONE[departure]}; ${by === "this tab" ? "this one" : "another one"} took over${after === undefined ? "" : ` after ${after} ms`}.`;
}

/** Who has just taken over may not have been counted yet, so there is a singular, too. */
const together = (open: number): string =>
  `${open === 1 ? "1 tab is" : `${open} tabs are`} open and awake: one sync loop, one store.`;
