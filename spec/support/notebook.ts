import type { UserId } from "../../src/model/ids.js";
import type { DeviceChanges } from "../../src/model/results.js";
import type { SyncResponse } from "../../src/model/wire.js";
import type { ExtendedTracker, SyncExtension } from "../../src/sync/sync-extension.js";

/** A word, and what it does to the tracked users. */
export interface Entry extends Partial<DeviceChanges> {
  readonly word: string;
}

type Method = Exclude<keyof SyncExtension, "name" | "attach">;

/** An extension that collects words from responses, and notes how it is called. */
export class Notebook implements SyncExtension<Entry> {
  readonly name: string;
  /** Such as `restore a b`, `apply c` and `missed`. */
  readonly calls: string[] = [];
  readonly words = new Set<string>();
  /** Users whom it wants to be tracked. */
  readonly wanted: UserId[] = [];
  /** Methods that throw. */
  readonly broken = new Set<Method>();
  whenCalled: (call: string) => void = () => {};
  #tracker: ExtendedTracker<Entry> | undefined;

  constructor(name = "notebook") {
    this.name = name;
  }

  get tracker(): ExtendedTracker<Entry> {
    if (this.#tracker === undefined) throw new Error("it is not attached");
    return this.#tracker;
  }

  attach(tracker: ExtendedTracker<Entry>): void {
    this.#tracker = tracker;
  }

  restore(records: readonly unknown[] | undefined): void {
    this.#call(records === undefined ? "restore lost" : ["restore", ...records].join(" "));
    this.#check("restore");
    this.words.clear();
    for (const record of records ?? []) this.words.add(String(record));
  }

  read({ entries = [] }: SyncResponse): readonly Entry[] {
    this.#check("read");
    return entries as readonly Entry[];
  }

  apply({ word, changed = [], left = [] }: Entry): DeviceChanges {
    this.#call(`apply ${word}`);
    this.#check("apply");
    this.words.add(word);
    return { changed, left };
  }

  missed(): void {
    this.#call("missed");
    this.#check("missed");
  }

  records(): readonly unknown[] {
    this.#check("records");
    return [...this.words];
  }

  summary(): readonly Entry[] {
    this.#check("summary");
    return Array.from(this.words, (word) => ({ word }));
  }

  trackedUsers(): readonly UserId[] {
    this.#check("trackedUsers");
    return this.wanted;
  }

  #call(call: string): void {
    this.calls.push(call);
    this.whenCalled(call);
  }

  #check(method: Method): void {
    if (this.broken.has(method)) throw new Error(`${method}() is broken`);
  }
}

/** A response with these words for a notebook. */
export const saying = (
  since: string | null,
  next: string,
  entries: readonly (string | Entry)[] = [],
  lists: NonNullable<SyncResponse["device_lists"]> = {},
): SyncResponse => ({
  since,
  next_batch: next,
  device_lists: lists,
  entries: entries.map((entry) => (typeof entry === "string" ? { word: entry } : entry)),
});
