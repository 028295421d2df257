import type { NumberedEvent, ProofPage } from "../browser/page-events.js";

/** What the driver tells a process to do. */
export interface Command {
  readonly id: number;
  readonly name: keyof ProofPage;
  readonly args: readonly unknown[];
}

/** An event, or the result of a command; the process itself is command 0, which ends when it is ready. */
export type Message = { readonly event: NumberedEvent } | { readonly id: number; readonly result: unknown };
