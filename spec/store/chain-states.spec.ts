import { hash } from "node:crypto";
import { expect, it } from "vitest";
import { readMissing, type Missing } from "../../src/store/read-missing.js";
import { explore } from "../support/explore.js";
import { BOB as U } from "../support/users.js";
import * as states from "./chain-states.js";
import type { Tab, World } from "./chain-states.js";
import { OWNED_BY_ALICE } from "./in-store.js";
import { track } from "./steps.js";

/** Everything that may happen, each with what it leads to. */
function next(world: World): readonly (readonly [string, World])[] {
  const all: [string, World][] = [];
  const { log, left, tabs, leader } = world;
  const isAway = states.stepOf(world, 0).left.length > 0;
  let at = 0;
  /** @param spends what may happen only so often */
  const may = (isPossible: boolean, what: string, happens: (world: World, tab: Tab) => void, spends?: string) => {
    if (!isPossible || (spends !== undefined && !left[spends])) return;
    const after = states.copyOf(world);
    if (spends !== undefined) after.left = { ...left, [spends]: left[spends]! - 1 };
    happens(after, after.tabs[at]!);
    all.push([`${at} ${what}`, after]);
  };
  for (const kind of isAway ? "Uho" : "ULo") may(true, `(the server): ${kind}`, (w) => (w.log += kind), "changes");
  for (const { name, clone, loop, deposed, inbox, query, gap, isBehind } of tabs) {
    const user = clone.users.get(U);
    const leads = leader === undefined || leader === at;
    const isFree = gap === undefined && !isBehind;
    const mayCommit = clone.pending.length > 0 && !isBehind;
    const mayClose = gap !== undefined && !isBehind && !mayCommit;
    const mayAsk = isFree && query === undefined;
    may(
      leads && loop === undefined,
      "begins to sync",
      (w, tab) => (tab.loop = Number(states.savedState(w.store).token)),
    );
    may(leads && isFree && loop! < log.length, "syncs", (w, tab) => states.receive(w, tab, "loop"));
    may(isFree && deposed! < log.length, "syncs, deposed", (w, tab) => states.receive(w, tab, "deposed"));
    may(inbox.length > 0 && !isBehind, "hears of a commit", (_, tab) => states.hear(tab));
    may(inbox.length > 0, "misses commits", (_, tab) => Object.assign(tab, { inbox: [], isBehind: true }), "losses");
    may(isBehind, "reloads", states.reload);
    for (const count of new Set([1, clone.pending.length])) {
      may(mayCommit, `commits ${count}`, (w, tab) => states.commit(w, tab, count));
      may(mayCommit, `commits ${count} unawares`, (w, tab) => states.commit(w, states.copyOfTab(tab), count), "lost");
    }
    may(mayClose, "closes the gap", (w, tab) => states.closeGap(w, tab, true));
    may(mayClose, "cannot learn what it missed", (w, tab) => states.closeGap(w, tab, false), "unknown");
    may(isFree && user === undefined && !isAway, "tracks U", (_, tab) => states.apply(tab, track(U)), "tracks");
    may(mayAsk && user?.outdated === false, "reads", states.read, "lookups");
    for (const seen of [states.versionAt(world), undefined]) {
      const query = { revision: user?.revision, superseded: false, seen };
      may(
        mayAsk && user?.outdated !== false,
        `queries, seen ${seen ?? "later"}`,
        (_, tab) => (tab.query = query),
        "lookups",
      );
    }
    may(
      query !== undefined && query.seen === undefined,
      "is seen by the server",
      (w, tab) => (tab.query!.seen = states.versionAt(w)),
    );
    may(query?.seen !== undefined && isFree && !mayCommit, "is answered", states.answer);
    const heir = leader === at ? 1 - at : leader;
    const restart = (w: World) =>
      Object.assign(w, { leader: heir, tabs: w.tabs.with(at, states.openTab(w.store, name)) });
    may(true, "crashes and restarts", restart, "crashes");
    const depose = (w: World, tab: Tab) => {
      Object.assign(w, { leader: heir });
      Object.assign(tab, { deposed: loop, loop: undefined });
    };
    may(leader === at, "loses the lock", depose, "takeovers");
    at++;
  }
  return all;
}

/** P1; P4; and memory that is at the head, with nothing pending, has what is saved. */
function breach(world: World): string | undefined {
  const { token, head, users } = states.savedState(world.store);
  const user = users.get(U);
  const version = user?.outdated === false ? states.listIn(world).list.fetchedAt : Infinity;
  const isOther = ({ clone }: states.Tab) =>
    clone.token !== token || clone.users.get(U)?.revision.number !== user?.revision.number;
  if (world.broken !== undefined) return world.broken;
  if (version < states.versionAt(world, Number(token))) return `P4: V${version} is not outdated at ${token}`;
  if (world.tabs.some((tab) => tab.clone.head === head && tab.clone.pending.length === 0 && isOther(tab)))
    return "memory is not what is saved";
  const { changed, left } = states.stepOf(world, Number(token));
  if (changed.length + left.length > 0) return undefined; // the server will say more of U
  const isAway = states.stepOf(world, 0).left.length > 0;
  if (user !== undefined && isAway) return "P4: U is tracked for good";
  if (user === undefined && !isAway && !world.isLost) return "U is untracked for good";
  return version < states.versionAt(world) ? `P4: V${version} is not outdated for good` : undefined;
}

/** Worlds that are alike but for the identity of their revisions are different. */
function keyOf({ store, tabs, ...world }: World): string {
  const revisions = new Map<unknown, number>();
  const view = (name: string, value: unknown): unknown => {
    if (value instanceof Map) return [...value];
    if (name !== "revision" || typeof value !== "object") return value;
    if (!revisions.has(value)) revisions.set(value, revisions.size);
    return [value, revisions.get(value)];
  };
  const missing: Missing[] = [];
  for (const { clone } of tabs)
    readMissing(store, OWNED_BY_ALICE, clone, states.INSTANTLY).subscribe((one) => missing.push(one));
  const all = [world, tabs, missing, states.savedState(store), states.listIn({ ...world, store, tabs })];
  return hash("md5", JSON.stringify(all, view), "base64");
}

/** What may happen how often, besides what must: seconds each. `MODEL_SCOPE="changes=3,takeovers=1"` explores others. */
const SCOPES = [
  "changes=2,lookups=2,losses=1",
  "changes=2,lookups=1,crashes=1",
  "changes=2,lookups=1,tracks=1,lost=1",
  "changes=1,lookups=1,takeovers=1,lost=1",
  "changes=2,takeovers=1,unknown=1,tracks=1",
  "changes=2,apart=1",
];

it.each(process.env.MODEL_SCOPE?.split(" ") ?? SCOPES)("the chain keeps its promises in every state: %s", (scope) => {
  const limits = Object.fromEntries(scope.split(",").map((one) => [one.split("=")[0], Number(one.split("=")[1])]));
  const { states: count, broken } = explore({ start: states.newWorld(limits), next, keyOf, breach });
  if (process.env.MODEL_SCOPE !== undefined) console.log(`${scope}: ${count} states`);
  expect(broken).toBeUndefined();
});
