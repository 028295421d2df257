import { movesToken, type Change, type Commit, type ExtensionEvents } from "./change.js";
import { extensionKey, type SyncRecord } from "./records.js";

export type ExtensionRecords = ReadonlyMap<string, readonly unknown[]>;

/** The saved state of extensions: a snapshot, and the steps since. */
export interface SavedExtensions {
  /** An extension without an entry has no records, or lacks some. */
  readonly records: ExtensionRecords;
  /** Changes that moved the token or have events. */
  readonly changes: readonly Change[];
  /** True if nothing was lost before these steps: there is no snapshot yet. */
  readonly isFromStart: boolean;
}

export const NO_EXTENSIONS: SavedExtensions = { records: new Map(), changes: [], isFromStart: true };

/** What is folded beside the tracked users, from the same commits. */
export interface ChainExtensions {
  readonly areNone: boolean;
  /** Applies commits of other trackers. */
  readonly follow: (commits: readonly Pick<Commit, "change">[]) => void;
  /**
   * Resets memory to what is saved.
   * @param token the token after the last saved step
   */
  readonly restore: (saved: SavedExtensions, token: string | undefined) => void;
  /** Applies a change's events in memory. If it is a step, adds their effects on the tracked users. */
  readonly extend: (change: Change) => Change;
  /** Returns what remains of the events of a step from a stream that is behind or ahead. */
  readonly late: (events: ExtensionEvents) => ExtensionEvents | undefined;
  /** Returns what memory knows, for a snapshot. */
  readonly records: () => ExtensionRecords;
}

/** True if a change concerns extensions: by its events, or as something missed. */
export const concernsExtensions = (change: Change): boolean =>
  change.events !== undefined || (change.type === "step" && movesToken(change));

/**
 * Returns each extension's records, as counted by the snapshot. An extension that lacks one has no entry.
 * @param changes those after the snapshot that {@link concernsExtensions}
 */
export function readExtensions(
  { snapshot }: SyncRecord,
  saved: ReadonlyMap<string, unknown>,
  changes: readonly Change[],
): SavedExtensions {
  const found = Object.entries(snapshot.extensions ?? {}).flatMap(([name, count]) => {
    if (count > saved.size) return []; // a damaged head may contain any number
    const records = Array.from({ length: count }, (_, i) => saved.get(extensionKey(name, i)[1]));
    return records.includes(undefined) ? [] : [[name, records] as const];
  });
  return { records: new Map(found), changes, isFromStart: snapshot.position === 0 };
}
