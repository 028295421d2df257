import { movesToken, type SyncStep } from "./change.js";
import { extensionKey, type SyncRecord } from "./records.js";

/** The records of each extension, by its name. */
export type ExtensionRecords = ReadonlyMap<string, readonly unknown[]>;

/** The saved state of extensions: as of a snapshot, and the steps since. */
export interface SavedExtensions {
  /** An extension without an entry has no records, or lacks some. */
  readonly records: ExtensionRecords;
  /** Steps that moved the token or have events. */
  readonly steps: readonly SyncStep[];
  /** Whether nothing has been lost before these steps: there is no snapshot yet. */
  readonly isFromStart: boolean;
}

export const NO_EXTENSIONS: SavedExtensions = { records: new Map(), steps: [], isFromStart: true };

/** Whether a step concerns extensions: as events, or as something missed. */
export const concernsExtensions = (step: SyncStep): boolean => step.events !== undefined || movesToken(step);

/** The records of each extension, as counted by the snapshot. An extension that lacks one has no entry. */
export function readExtensions({ snapshot }: SyncRecord, saved: ReadonlyMap<string, unknown>): ExtensionRecords {
  const found = Object.entries(snapshot.extensions ?? {}).flatMap(([name, count]) => {
    if (count > saved.size) return []; // a damaged head may say any number
    const records = Array.from({ length: count }, (_, i) => saved.get(extensionKey(name, i)[1]));
    return records.includes(undefined) ? [] : [[name, records] as const];
  });
  return new Map(found);
}
