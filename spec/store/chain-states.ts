import { of } from "rxjs";
import type { Change, Commit, SyncStep } from "../../src/store/change.js";
import * as clones from "../../src/store/clone.js";
import type { DeviceStore, RecordKey } from "../../src/store/device-store.js";
import { readAccount, readMissing } from "../../src/store/load.js";
import { rebase, rebased } from "../../src/store/rebase.js";
import { listKey, OWNER, readSync, STORE_FORMAT, SYNC, type OwnerRecord } from "../../src/store/records.js";
import type { Revision } from "../../src/store/revision.js";
import { SavedRecords } from "../../src/store/saved-records.js";
import { effectsSince, type Before } from "../../src/store/tracked-users.js";
import { append, changedSince, commit as commitChanges } from "../../src/store/transactions.js";
import { placeStep } from "../../src/sync/gap-recovery.js";

/*
 * Two tabs over one store, one of which syncs, and one watched user U. Every position of the server's log is a change of U (`U`), U leaving or coming
 * back (`L`, `U`), a change of U while away, which is not announced (`h`), or a change of another user (`o`).
 *
 * What the tabs and the store do is done by the package's own functions; this file only connects them, and the other one decides when.
 */
export const U = "@u:s";
const OWN: OwnerRecord = { userId: "@me:s", format: STORE_FORMAT, lifetime: "life" };

/** A step as the server gives it, and the version of U that it announces. */
export interface Given {
  readonly since: string;
  readonly next: string;
  readonly says: "U" | "L" | undefined;
  readonly version: number;
}

export interface Tab {
  clone: clones.Clone;
  /** The token of the next poll; `undefined` while another tab syncs. */
  loop: number | undefined;
  /** The request of a tab from which the lock was taken. */
  deposed: number | undefined;
  inbox: { readonly commits: readonly Commit[]; readonly position: number; readonly version: number }[];
  query: { readonly revision: Revision | undefined; superseded: boolean; seen: number | undefined } | undefined;
  gap: Given | undefined;
  isBehind: boolean;
  /** The token that it stood on when something happened last, and those before it. */
  stood: string | undefined;
  readonly passed: Set<string>;
  /** The newest version of U that this tab was given. */
  given: number;
}

export interface World {
  log: string;
  leader: number;
  readonly left: Record<Budget, number>;
  readonly records: Map<string, unknown>;
  readonly tabs: Tab[];
}

export type Budget = "changes" | "lookups" | "crashes" | "losses" | "takeovers" | "tracks" | "lost" | "unknown";

/** The newest change of U up to a position. */
export const versionAt = ({ log }: World, to: number): number =>
  Math.max(0, ...["U", "h"].map((kind) => log.slice(0, to).lastIndexOf(kind) + 1));

/** What a step says of U. */
export function announced({ log }: World, from: number, to: number): "U" | "L" | undefined {
  const last = Math.max(...["U", "L"].map((kind) => log.slice(from, to).lastIndexOf(kind)));
  return last < 0 ? undefined : (log[from + last] as "U" | "L");
}

const nameOf = ([kind, id]: RecordKey): string => `${kind} ${id}`;
export const syncIn = ({ records }: Pick<World, "records">) => readSync(records.get(nameOf(SYNC)))!;
export const listIn = ({ records }: World) =>
  records.get(nameOf(listKey(U))) as { readonly revision: number; readonly version: number };

export function openTab(world: Pick<World, "records">): Tab {
  let clone = clones.emptyClone(OWN.userId);
  readAccount(storeOf(world), OWN).subscribe(
    ({ state }) => (clone = { ...clone, ...state, users: new Map(state.users) }),
  );
  return {
    clone,
    loop: undefined,
    deposed: undefined,
    inbox: [],
    query: undefined,
    gap: undefined,
    isBehind: false,
    stood: clone.token,
    passed: new Set(),
    given: 0,
  };
}

function storeOf({ records }: Pick<World, "records">): DeviceStore {
  const ofKind = (kind: string) =>
    new Map(
      Array.from(records).flatMap(([name, record]) =>
        name.startsWith(`${kind} `) ? [[name.slice(kind.length + 1), record]] : [],
      ),
    );
  const read = (keys: readonly RecordKey[]) => of(keys.map((key) => records.get(nameOf(key))));
  return { read, readKinds: (kinds: readonly string[]) => of(kinds.map(ofKind)) } as unknown as DeviceStore;
}

function transact<T>({ records }: Pick<World, "records">, apply: (saved: SavedRecords) => T): T {
  const names = new Set([OWNER, SYNC, listKey(U)].map(nameOf).concat([...records.keys()]));
  const keys = Array.from(names, (name) => name.split(" ") as unknown as RecordKey);
  const saved = new SavedRecords(
    keys,
    keys.map((key) => records.get(nameOf(key))),
  );
  const { puts, result } = saved.update(apply(saved));
  for (const [key, record] of puts) records.set(nameOf(key), record);
  return result;
}

/** The store of a tracker that has tracked U from the start and fetched their first list. */
export function initialRecords(): Map<string, unknown> {
  const records = new Map<string, unknown>([[nameOf(OWNER), OWN]]);
  const step: SyncStep = { type: "step", next: "0", changed: [U], left: [] };
  transact({ records }, (saved) =>
    commitChanges(saved, { head: 0, position: 0 }, [{ number: 1, change: step }], "start"),
  );
  transact({ records }, (saved) => saveAt(saved, 1, 0));
  return records;
}

function saveAt(saved: SavedRecords, revision: number, version: number): void {
  append(saved, readSync(saved.get(SYNC))!, { type: "save", by: "other", lists: [[U, revision]] });
  saved.set(listKey(U), { revision, version });
}

function supersede({ clone, query }: Tab, before: Before): void {
  const { invalidated, left } = effectsSince(before, clone);
  if (query !== undefined && [...invalidated, ...left].includes(U)) query.superseded = true;
}

export function apply(tab: Tab, change: Change, version = 0): void {
  supersede(tab, clones.applyLocally(tab.clone, change).undo.before);
  tab.given = Math.max(tab.given, version);
}

export function commit(world: World, index: 0 | 1): void {
  const { clone } = world.tabs[index]!;
  const commits = clones.toCommits(clone).slice(0, 1);
  const outcome = transact(world, (saved) => commitChanges(saved, clone, commits, String(index)));
  if ("movedTo" in outcome) {
    world.tabs[index]!.isBehind = true;
    return;
  }
  clones.advance(clone, 1, outcome.committedAt);
  const version = versionAt(world, Number(syncIn(world).token));
  world.tabs[1 - index]!.inbox.push({ commits, position: outcome.committedAt, version });
}

export function hear(tab: Tab): void {
  const { commits, position, version } = tab.inbox.shift()!;
  if (commits.at(-1)!.number <= tab.clone.head) return;
  tab.isBehind = !clones.canFollow(tab.clone, commits);
  if (tab.isBehind) return;
  supersede(tab, clones.follow(tab.clone, commits, position));
  const names = ({ change }: Commit) =>
    change.type === "step" ? change.changed.includes(U) : change.type === "invalidate";
  if (commits.some(names)) tab.given = Math.max(tab.given, version);
}

export function reload(world: World, index: 0 | 1): void {
  const tab = world.tabs[index]!;
  const { clone } = tab;
  readMissing(storeOf(world), OWN, clone).subscribe((missing) => {
    supersede(tab, rebase(clone, missing, String(index)).before);
  });
  tab.inbox = tab.inbox.filter(({ commits }) => commits.at(-1)!.number > clone.head);
  tab.isBehind = false;
}

const toStep = ({ since, next, says }: Given): SyncStep => ({
  type: "step",
  since,
  next,
  changed: says === "U" ? [U] : [],
  left: says === "L" ? [U] : [],
});

export function receive(tab: Tab, given: Given): void {
  const placement = placeStep(given, standingOf(tab));
  if (placement === "gap")
    tab.gap = given; // closed when what is pending is committed
  else if (placement !== "past") applyLate(tab, given);
}

/** Notes the token that a tab has passed. */
export function stand(tab: Tab): void {
  if (tab.stood !== undefined && tab.stood !== tab.clone.token) tab.passed.add(tab.stood);
  tab.stood = tab.clone.token;
}

const standingOf = ({ clone, passed }: Tab) => ({ token: clone.token, passed, isFirst: false });

/** A step that begins at the token is applied completely. */
function applyLate(tab: Tab, given: Given): void {
  const change = rebased(toStep(given), tab.clone, () => false);
  if (typeof change !== "string") apply(tab, change, given.says === "U" ? given.version : 0);
}

/** @param isKnown whether the server says what was missed */
export function closeGap(world: World, index: 0 | 1, isKnown: boolean): void {
  const tab = world.tabs[index]!;
  reload(world, index);
  const given = tab.gap!;
  tab.gap = undefined;
  const { token } = tab.clone;
  if (placeStep(given, standingOf(tab)) === "gap") {
    const [from, to] = [Number(token), Number(given.since)];
    const says = isKnown && to > from ? announced(world, from, to) : undefined;
    const step = toStep({ since: token!, next: given.since, says, version: 0 });
    apply(tab, isKnown ? step : { ...step, everyone: "untracked" }, says === "U" ? versionAt(world, to) : 0);
  }
  applyLate(tab, given);
}

/** The answer to a query arrives. Returns its version if it is emitted as current. */
export function save(world: World, index: 0 | 1): number | undefined {
  const tab = world.tabs[index]!;
  const { revision, superseded, seen } = tab.query!;
  tab.query = undefined;
  if (superseded || revision === undefined || tab.clone.users.get(U)?.revision !== revision) return undefined;
  const isSaved = transact(world, (saved) => {
    if (changedSince(saved, tab.clone)(U)) return false;
    saveAt(saved, revision.number, seen!);
    return true;
  });
  if (!isSaved) return undefined;
  // Announced at once, for the sake of a small scope.
  for (const { clone } of world.tabs) clones.followSave(clone, [[U, revision.number]]);
  return seen;
}
