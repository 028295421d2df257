import type { SyncRole, TabState, TakeOver } from "../events/tab-state.js";

/** Which tab syncs, in a few words: the headline. */
export const WHICH_SYNCS: Readonly<Record<SyncRole, string>> = {
  "this tab": "This tab syncs",
  "another tab": "Another tab syncs, this one follows",
  "no tab": "No tab syncs at the moment",
  "each tab": "Each tab syncs by itself",
};

/** What that means, and what happens when a tab is closed. */
export function meaningOf({ role, open = 1 }: TabState): string {
  switch (role) {
    case "this tab":
      return open < 2
        ? "Open a second tab: it uses the same store, follows what this one commits, and takes over when this one is closed."
        : `${together(open)} This one polls the server; the others follow its commits. Close it, and another one takes over.`;
    case "another tab":
      return `${together(open)} This one follows the commits of the syncing tab, and may take over when that tab is closed, crashes or is frozen.`;
    case "no tab":
      return "The sync loop has ended, or its tab has just been closed.";
    case "each tab":
      return "This browser has no Web Locks, or denies them to this page, so the tabs cannot agree on one that syncs: each of them polls the server. They still share one store.";
  }
}

/** What to say when the role changes without a take-over. */
export function shiftSentence(before: SyncRole | undefined, now: SyncRole): string | undefined {
  if (before === "this tab" && now !== "this tab") return "This tab no longer syncs.";
  if (before === undefined && now === "another tab") return "Another tab syncs already: this one follows.";
  return undefined;
}

const GONE = {
  closed: "The syncing tab was closed or reloaded",
  frozen: "The syncing tab was frozen by the browser",
  left: "The syncing tab switched to another homeserver",
  silent: "The syncing tab stopped without notice (it crashed or hangs)",
} as const;

export function takeOverSentence(by: "this tab" | "another tab", { departure, after }: TakeOver): string {
  return `${GONE[departure]}; ${by === "this tab" ? "this one" : "another one"} took over${after === undefined ? "" : ` after ${after} ms`}.`;
}

/** A tab that has just taken over may not have been counted yet, hence the singular. */
const together = (open: number): string =>
  `${open === 1 ? "1 tab is" : `${open} tabs are`} open and awake, with one sync loop and one store.`;
