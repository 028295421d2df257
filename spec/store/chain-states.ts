import { EMPTY, of, throwError, VirtualTimeScheduler } from "rxjs";
import { readListRecord } from "../../src/lists/list-record.js";
import { saveKeys, saveLists } from "../../src/lists/save-lists.js";
import type { Change, Commit, SyncStep } from "../../src/store/change.js";
import * as clones from "../../src/store/clone.js";
import type { DeviceStore } from "../../src/store/device-store.js";
import { readAccount } from "../../src/store/load.js";
import { readMissing } from "../../src/store/read-missing.js";
import { rebase, rebased } from "../../src/store/rebase.js";
import { listKey } from "../../src/store/records.js";
import type { Revision } from "../../src/store/revision.js";
import type { SavedRecords } from "../../src/store/saved-records.js";
import { effectsSince, type Before } from "../../src/store/tracked-users.js";
import { commit as commitChanges } from "../../src/store/transactions.js";
import { closeGap as missingSteps, placeStep, type Placement } from "../../src/sync/gap-recovery.js";
import type { ParsedStep } from "../../src/sync/parse-step.js";
import { emptyList } from "../../src/trust/device-list.js";
import { copyOf as copyOfStore, saved } from "../support/saved.js";
import { ALICE as ME, BOB as U } from "../support/users.js";
import { inStore, OWNED_BY_ALICE as OWNER, storeOfAlice } from "./in-store.js";
import { step, track } from "./steps.js";
import { WITHOUT_EXTENSIONS } from "./without-extensions.js";

/** Time stands still: everything that waits for nothing is one task. */
export const INSTANTLY = new VirtualTimeScheduler();

/*
 * Two tabs over one store, and one watched user U. Every position of the server's log is a change of U (`U`), U leaving
 * or coming back (`L`, `U`), a change of U while away, which is not announced (`h`), or one of another user (`o`). A
 * position is also a token, and a version of U. What happens is done by the package's own functions, one atomic part at a
 * time; saves are announced at once, for the sake of a small scope.
 */
export interface Tab {
  readonly name: string;
  readonly clone: clones.Clone;
  loop?: number | undefined; // the token of the next poll, in the tab that syncs
  deposed?: number | undefined; // the token of a request that comes back although the lock was taken
  inbox: readonly { readonly commits: readonly Commit[]; readonly position: number }[];
  query?: { readonly revision: Revision | undefined; superseded: boolean; seen: number | undefined } | undefined;
  gap?: (ParsedStep & SyncStep) | undefined; // a step that others are missing before
  isBehind: boolean;
  passed: readonly string[]; // tokens that it knows to be committed
  given: number; // the newest version of U that its own stream announced
}
export interface World {
  log: string;
  leader: number | undefined; // the tab that syncs; `undefined`: each for itself
  left: Readonly<Record<string, number>>; // how often things that need not happen may still happen
  store: DeviceStore; // replaced by each write
  tabs: readonly Tab[];
  isLost?: true; // a gap could not be closed: U may be untracked
  broken?: string;
}

export const copyOfTab = ({ clone: { users, pending, ...clone }, query, ...tab }: Tab): Tab => ({
  ...tab,
  query: query && { ...query },
  clone: { ...clone, users: new Map(users), pending: pending.map((one) => ({ ...one })) },
});
export const copyOf = (world: World): World => ({ ...world, tabs: world.tabs.map(copyOfTab) });
const writable = (world: World): DeviceStore => (world.store = copyOfStore(world.store, ["account", "log", "list"]));

export const listIn = ({ store }: World) => readListRecord(saved(store, listKey(U)), U).saved!;
export const versionAt = ({ log }: World, to = log.length): number =>
  Math.max(...["U", "h"].map((kind) => log.slice(0, to).lastIndexOf(kind))) + 1;

/** What the server says of U to a client that goes on from a position. */
export function stepOf({ log }: World, from: number, to = log.length): ParsedStep & SyncStep {
  const said = log.slice(from, to).replace(/[^UL]/gu, "").at(-1);
  const named = { changed: said === "U" ? [U] : [], left: said === "L" ? [U] : [] };
  return { type: "step", since: `${from}`, next: `${to}`, ...named, response: undefined, refusedIds: [], parts: [] };
}

/** What is saved: read once for all worlds that share the store. */
const states = new WeakMap<DeviceStore, clones.SavedState>();
export function savedState(store: DeviceStore): clones.SavedState {
  if (!states.has(store)) readAccount(store, OWNER, INSTANTLY).subscribe(({ state }) => states.set(store, state));
  return states.get(store)!;
}

export function openTab(store: DeviceStore, name: string): Tab {
  const state = savedState(store);
  const clone = { ...clones.emptyClone(ME), ...state, users: new Map(state.users) };
  return { name, clone, inbox: [], isBehind: false, passed: [], given: 0 };
}

/** U is tracked from the start, and a first list of U is saved. */
export function newWorld({ apart, ...left }: Readonly<Record<string, number>>): World {
  const store = storeOfAlice();
  const tab = openTab(store, "0");
  const world: World = { log: "", leader: apart ? undefined : 0, left, store, tabs: [tab] };
  apply(tab, step({ next: "0" }));
  apply(tab, track(U));
  commit(world, tab, 2);
  tab.query = { revision: tab.clone.users.get(U)?.revision, superseded: false, seen: 0 };
  answer(world, tab);
  return { ...world, tabs: ["0", "1"].map((name) => openTab(world.store, name)) };
}

/** Queries are superseded. */
function changed({ clone, query }: Tab, before: Before): void {
  const { invalidated, left } = effectsSince(before, clone);
  if (query !== undefined && [...invalidated, ...left].includes(U)) query.superseded = true;
}

export function apply(tab: Tab, change: Change): void {
  changed(tab, clones.applyLocally(tab.clone, change).undo.before);
}

/** A step is applied where it belongs: at the token, or as one of a stream that is behind. */
function applyStep(tab: Tab, given: SyncStep, placement: Placement): void {
  const step =
    placement === "next"
      ? { ...given, since: tab.clone.token }
      : rebased(given, tab.clone, { hasLeft: () => false, late: WITHOUT_EXTENSIONS.late });
  if (placement !== "past" && typeof step !== "string") apply(tab, step);
}

function pass(tab: Tab, steps: readonly { readonly change: Change }[]): void {
  const tokens = steps.flatMap(({ change }) => (change.type === "step" ? (change.next ?? []) : []));
  tab.passed = [...new Set([...tab.passed, ...tokens])].sort();
}

/** One transaction commits the first of what is pending. */
export function commit(world: World, tab: Tab, count: number): void {
  const { clone, name } = tab;
  const commits = clones.toCommits(clone).slice(0, count);
  const outcome = inStore(writable(world), (records) => commitChanges(records, clone, commits, name));
  tab.isBehind = "movedTo" in outcome;
  if ("movedTo" in outcome) return;
  const news = { commits, position: outcome.committedAt };
  clones.advance(clone, count, news.position);
  pass(tab, commits);
  for (const other of world.tabs) if (other.name !== name) other.inbox = [...other.inbox, news];
}

export function hear(tab: Tab): void {
  const [{ commits, position } = { commits: [], position: 0 }, ...inbox] = tab.inbox;
  tab.inbox = inbox;
  if (commits.every(({ number }) => number <= tab.clone.head)) return;
  tab.isBehind = !clones.canFollow(tab.clone, commits);
  if (tab.isBehind) return;
  changed(tab, clones.follow(tab.clone, commits, position));
  pass(tab, commits);
}

export function reload({ store }: World, tab: Tab): void {
  readMissing(store, OWNER, tab.clone, INSTANTLY).subscribe((missing) => {
    const { before, commits, dropped } = rebase(tab.clone, missing, tab.name, WITHOUT_EXTENSIONS);
    changed(tab, before);
    pass(tab, [...commits, ...dropped.flatMap(({ pending, outcome }) => (outcome === "committed" ? pending : []))]);
  });
  tab.isBehind = false;
}

function standingOf({ clone, passed }: Tab) {
  const hasPassed = (token: string) => passed.includes(token);
  return { token: clone.token, passed: { inMemory: hasPassed, inChain: hasPassed }, isFirst: false };
}

/** The response to a poll arrives. */
export function receive(world: World, tab: Tab, poll: "loop" | "deposed"): void {
  const given = stepOf(world, tab[poll]!);
  tab[poll] = poll === "loop" ? world.log.length : undefined;
  if (given.changed.length > 0) tab.given = versionAt(world);
  const placement = placeStep(given, standingOf(tab));
  if (placement === "gap") tab.gap = given;
  else applyStep(tab, given, placement);
}

/** @param isKnown whether the server says who changed in the missing steps */
export function closeGap(world: World, tab: Tab, isKnown: boolean): void {
  const given = tab.gap!;
  tab.gap = undefined;
  if (!isKnown) world.isLost = true;
  missingSteps(given, {
    ownUserId: ME,
    catchUp: () => (reload(world, tab), EMPTY),
    standing: () => standingOf(tab),
    changes: ({ from, to }) => (isKnown ? of(stepOf(world, Number(from), Number(to))) : throwError(Error)),
    scheduler: INSTANTLY,
    deadline: 1,
    report: () => {},
  }).subscribe((missing) => applyStep(tab, missing, "late"));
  const placement = placeStep(given, standingOf(tab));
  applyStep(tab, given, placement === "gap" ? "late" : placement);
}

/** The answer to a query arrives, is saved, and emitted. */
export function answer(world: World, tab: Tab): void {
  const { clone, name: by, query } = tab;
  tab.query = undefined;
  const revision = clone.users.get(U)?.revision;
  if (query?.superseded !== false || revision === undefined || query.revision !== revision) return;
  const lists = new Map([[U, { list: emptyList(query.seen!), revision, forced: false, refusesUnsigned: false }]]);
  const save = (records: SavedRecords) => saveLists(records, { ...clone, by }, lists, { ownUserId: ME }).get(U)!;
  const { state, list } = inStore(writable(world), save, saveKeys([U]));
  tab.isBehind = state === "refused";
  if (tab.isBehind) return;
  for (const one of world.tabs) clones.followSave(one.clone, [[U, revision.number]]);
  emit(world, tab, list.fetchedAt);
}

/** A list that is not outdated is read. */
export function read(world: World, tab: Tab): void {
  const { revision, list } = listIn(world);
  if (revision === tab.clone.users.get(U)?.revision.number) emit(world, tab, list.fetchedAt);
}

/** P1: what is current has every change that the tab was given. */
function emit(world: World, { clone, given }: Tab, version: number): void {
  const needed = Math.max(given, versionAt(world, Number(clone.token)));
  if (version < needed) world.broken = `P1: V${version} is current, V${needed} was given`;
}
