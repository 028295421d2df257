import { movesToken, type Change, type Commit, type ExtensionEvents } from "./change.js";
import { extensionKey, type SyncRecord } from "./records.js";

/** The records of each extension, by its name. */
export type ExtensionRecords = ReadonlyMap<string, readonly unknown[]>;

/** The saved state of extensions: as of a snapshot, and the steps since. */
export interface SavedExtensions {
  /** An extension without an entry has no records, or lacks some. */
  readonly records: ExtensionRecords;
  /** Changes that moved the token or have events. */
  readonly changes: readonly Change[];
  /** Whether nothing has been lost before these steps: there is no snapshot yet. */
  readonly isFromStart: boolean;
}

export const NO_EXTENSIONS: SavedExtensions = { records: new Map(), changes: [], isFromStart: true };

/** What is folded beside the tracked users, from the same commits. */
export interface ChainExtensions {
  readonly areNone: boolean;
  /** Applies what other trackers committed. */
  readonly follow: (commits: readonly Pick<Commit, "change">[]) => void;
  /**
   * Resets memory to what is saved.
   * @param token the token after the last saved step
   */
  readonly restore: (saved: SavedExtensions, token: string | undefined) => void;
  /** Applies the events of a change in memory. Adds their effects on the tracked users if it is a step. */
  readonly extend: (change: Change) => Change;
  /** What is left of the events of a step from a stream that is behind, or ahead. */
  readonly late: (events: ExtensionEvents) => ExtensionEvents | undefined;
  /** What memory knows, for a snapshot. */
  readonly records: () => ExtensionRecords;
}

/** Whether a change concerns extensions: as events, or as something missed. */
export const concernsExtensions = (change: Change): boolean =>
  change.events !== undefined || (change.type === "step" && movesToken(change));

/**
 * The records of each extension, as counted by the snapshot. An extension that lacks one has no entry.
 * @param changes those after the snapshot that {@link concernsExtensions}
 */
export function readExtensions(
  { snapshot }: SyncRecord,
  saved: ReadonlyMap<string, unknown>,
  changes: readonly Change[],
): SavedExtensions {
  const found = Object.entries(snapshot.extensions ?? {}).flatMap(([name, count]) => {
    if (count > saved.size) return []; // a damaged head may say any number
    const records = Array.from({ length: count }, (_, i) => saved.get(extensionKey(name, i)[1]));
    return records.includes(undefined) ? [] : [[name, records] as const];
  });
  return { records: new Map(found), changes, isFromStart: snapshot.position === 0 };
}
