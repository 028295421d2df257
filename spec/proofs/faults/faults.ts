import type { StoreOperation } from "../../../src/testing/scripted-store.js";

/** What a tracker asks of its store. Nothing here asks it for `clear()`. */
export type Operation = Exclude<StoreOperation, "clear">;
export const OPERATIONS = ["read", "readKinds", "update"] as const satisfies readonly Operation[];

/** What goes wrong with one operation. */
export interface Fault {
  readonly name: string;
  /** Whether the operation takes effect all the same. */
  readonly done: boolean;
  /** Whether it does so only after the tracker has given it up, in ms from then. */
  readonly late?: number;
  /** What the tracker sees of it: an error, no answer, or nothing any more, for the page is gone in that moment. */
  readonly then: "fails" | "hangs" | "crashes";
}

const FAULTS: readonly Fault[] = [
  { name: "fails", done: false, then: "fails" },
  { name: "fails-though-done", done: true, then: "fails" },
  { name: "hangs", done: false, then: "hangs" },
  { name: "hangs-though-done", done: true, then: "hangs" },
  // Longer than the first wait before a commit is tried again: what was given up comes behind what was done in its place.
  { name: "is-done-late", done: true, late: 3_000, then: "hangs" },
  { name: "crashes-before", done: false, then: "crashes" },
  { name: "crashes-after", done: true, then: "crashes" },
];

/** What can go wrong with an operation of this kind. A read has no effect: whether it was done before it failed, or hung, nobody can tell. */
export const faultsOf = (operation: Operation): readonly Fault[] =>
  operation === "update" ? FAULTS : FAULTS.filter(({ done }) => !done);
