import type { Budget } from "./scope.js";
import { BOB, CAROL, type User } from "./truth.js";

/** Which names are exchanged. */
export interface Renaming {
  readonly tabs: boolean;
  readonly users: boolean;
}

/** What can happen; in a history each is one number. */
const KINDS = [
  "change",
  "sync",
  "lose",
  "look up",
  "cancel",
  "answer as of arrival",
  "answer as of now",
  "fail",
  "tell who changed",
  "fail to tell who changed",
  "operate",
  "fail to operate",
  "crash",
  "crash in an operation",
  "restart",
  "wait",
] as const;
export type Kind = (typeof KINDS)[number];
export const codeOf = (kind: Kind, tab: number, which = 0): number => (KINDS.indexOf(kind) << 5) | (tab << 4) | which;
export const decode = (event: number) => ({ kind: KINDS[event >> 5]!, tab: (event >> 4) & 1, which: event & 15 });

/** Whom a lookup may name; each two are the same with users exchanged. The last is not offered: it is the one before it, in another order. */
export const ASKED: readonly (readonly User[])[] = [[BOB], [CAROL], [BOB, CAROL], [CAROL, BOB]];
export const OFFERED = 3;

/** The same event with names exchanged. */
export function rename(event: number, { tabs, users }: Renaming): number {
  const { kind, tab, which } = decode(event);
  const namesUsers = kind === "change" || kind === "look up";
  return codeOf(kind, tabs && kind !== "change" ? 1 - tab : tab, users && namesUsers ? which ^ 1 : which);
}

/** The same event; a lookup of both users in the order that is offered. */
export const inOneOrder = (event: number): number =>
  event >> 5 === KINDS.indexOf("look up") && (event & 15) === OFFERED ? event - 1 : event;

export const COUNTED: Readonly<Partial<Record<Kind, keyof Budget>>> = {
  change: "changes",
  lose: "losses",
  "look up": "lookups",
  cancel: "cancellations",
  fail: "failures",
  "fail to tell who changed": "failures",
  "fail to operate": "failures",
  crash: "crashes",
  "crash in an operation": "crashes",
};
