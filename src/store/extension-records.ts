import { movesToken, type SyncStep } from "./change.js";
import { extensionKey, type SyncRecord } from "./records.js";

/** What each extension amounts to, by its name, as records. */
export type ExtensionRecords = ReadonlyMap<string, readonly unknown[]>;

/** What is saved of extensions, as of a snapshot, and the steps since. */
export interface SavedExtensions {
  /** Absent: nothing is saved of this extension, or not all of it. */
  readonly records: ExtensionRecords;
  /** Steps that moved the token or have events. */
  readonly steps: readonly SyncStep[];
  /** Whether nothing has been lost before these steps: there is no snapshot yet. */
  readonly isFromStart: boolean;
}

export const NO_EXTENSIONS: SavedExtensions = { records: new Map(), steps: [], isFromStart: true };

/** Whether a step is anything to an extension. */
export const concernsExtensions = (step: SyncStep): boolean => step.events !== undefined || movesToken(step);

/** The records of each extension that the snapshot says are there. One of which any is missing has none. */
export function readExtensions({ snapshot }: SyncRecord, saved: ReadonlyMap<string, unknown>): ExtensionRecords {
  const found = Object.entries(snapshot.extensions ?? {}).flatMap(([name, count]) => {
    if (count > saved.size) return []; // a damaged head may say any number
    const records = Array.from({ length: count }, (_, i) => saved.get(extensionKey(name, i)[1]));
    return records.includes(undefined) ? [] : [[name, records] as const];
  });
  return new Map(found);
}
