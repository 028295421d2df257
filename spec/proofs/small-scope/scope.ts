/** How often each of these may happen in a history. */
export interface Budget {
  readonly changes: number;
  readonly lookups: number;
  readonly cancellations: number;
  readonly crashes: number;
  readonly failures: number;
  readonly losses: number;
}

/** How a history begins: with nothing saved and nothing loaded; with a running pair of tabs, both users tracked and no list fetched; the same, and one of them asks for one user; or with both lists saved. */
export type Beginning = "nothing saved" | "lists outdated" | "a query in flight" | "lists saved";

export interface Scope {
  readonly name: string;
  readonly beginning: Beginning;
  readonly budget: Budget;
  /** How long histories get where there is little time. */
  readonly length: number;
}

export const WITHOUT_END: Budget = {
  changes: Infinity,
  lookups: Infinity,
  cancellations: Infinity,
  crashes: Infinity,
  failures: Infinity,
  losses: Infinity,
};
const NOTHING: Budget = { changes: 0, lookups: 0, cancellations: 0, crashes: 0, failures: 0, losses: 0 };

/** Little for long, so that the histories of a scope may come to an end, and everything that can happen for as long as there is time. */
export const SCOPES: readonly Scope[] = [
  {
    name: "a change, a lookup and its cancellation",
    beginning: "lists outdated",
    budget: { ...NOTHING, changes: 1, lookups: 1, cancellations: 1 },
    length: Infinity,
  },
  {
    name: "two changes and a failure",
    beginning: "lists saved",
    budget: { ...NOTHING, changes: 2, failures: 1 },
    length: 9,
  },
  {
    name: "two changes, one lost, and a lookup",
    beginning: "lists saved",
    budget: { ...NOTHING, changes: 2, lookups: 1, losses: 1 },
    length: 6,
  },
  {
    name: "a change, a lookup and a crash",
    beginning: "lists saved",
    budget: { ...NOTHING, changes: 1, lookups: 1, crashes: 1 },
    length: 6,
  },
  {
    name: "a change and a lookup",
    beginning: "a query in flight",
    budget: { ...NOTHING, changes: 1, lookups: 1 },
    length: 6,
  },
  {
    name: "a change and two lookups",
    beginning: "lists outdated",
    budget: { ...NOTHING, changes: 1, lookups: 2 },
    length: 5,
  },
  { name: "everything", beginning: "nothing saved", budget: WITHOUT_END, length: 3 },
  { name: "everything", beginning: "lists outdated", budget: WITHOUT_END, length: 3 },
  { name: "everything", beginning: "lists saved", budget: WITHOUT_END, length: 4 },
];
