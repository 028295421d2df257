import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Revision } from "../../src/store/revision.js";
import * as states from "./chain-states.js";
import { U, type Budget, type World } from "./chain-states.js";

/** One thing that may happen, and what comes of it. */
type Step = readonly [label: string, happens: (world: World) => void];

const NO_BUDGET: Record<Budget, number> = {
  changes: 0,
  lookups: 1,
  crashes: 0,
  losses: 0,
  takeovers: 0,
  tracks: 0,
  lost: 0,
  unknown: 0,
};

/** Tracked from the start, until they leave. */
const isTracked = (world: World, at: number): boolean => states.announced(world, 0, at) !== "L";
const kindOf = (isAway: boolean): string => (isAway ? "Uho" : "ULo");

/** What the promises say of a world: `undefined`, or how one is broken. */
function breach(world: World, unknown: number): string | undefined {
  const token = Number(states.syncIn(world).token);
  const now = world.log.length;
  const saved = states.openTab(world).clone.users.get(U);
  const isFresh = saved?.outdated === false;
  const { version } = states.listIn(world);
  if (isFresh && version < states.versionAt(world, token))
    return `P4: the saved list V${version} is not outdated at token ${token}`;
  if (states.announced(world, token, now) !== undefined) return undefined; // the server will say more of U to whoever goes on from the token
  if (saved !== undefined && !isTracked(world, now)) return "P4: U is tracked for good";
  if (saved === undefined && isTracked(world, now) && world.left.unknown === unknown) return "U is untracked for good";
  return isFresh && version < states.versionAt(world, now)
    ? `P4: the saved list V${version} is not outdated for good`
    : undefined;
}

function* next(world: World, report: (broken: string) => void): Generator<Step> {
  const { left, tabs } = world;
  const now = world.log.length;
  const spend = (name: Budget, happens: (world: World) => void) => (changed: World) => {
    changed.left[name]--;
    happens(changed);
  };
  const respond = (since: number): states.Given => ({
    since: `${since}`,
    next: `${now}`,
    says: states.announced(world, since, now),
    version: states.versionAt(world, now),
  });
  if (left.changes > 0)
    for (const kind of kindOf(!isTracked(world, now)))
      yield [`the server: ${kind}`, spend("changes", (w) => (w.log += kind))];
  for (const i of [0, 1] as const) {
    const { clone, loop, deposed, inbox, query, gap, isBehind, given } = tabs[i]!;
    const user = clone.users.get(U);
    const isFree = gap === undefined && !isBehind;
    const hasPending = clone.pending.length > 0;
    if (world.leader === i && loop === undefined)
      yield [`${i} begins to sync`, (w) => (w.tabs[i]!.loop = Number(states.syncIn(w).token))];
    if (world.leader === i && loop !== undefined && now > loop && isFree)
      yield [
        `${i} syncs ${loop} to ${now}`,
        (w) => {
          w.tabs[i]!.loop = now;
          states.receive(w.tabs[i]!, respond(loop));
        },
      ];
    if (deposed !== undefined && now > deposed && isFree)
      yield [
        `${i}, deposed, syncs ${deposed} to ${now}`,
        (w) => {
          w.tabs[i]!.deposed = undefined;
          states.receive(w.tabs[i]!, respond(deposed));
        },
      ];
    if (inbox.length > 0 && !isBehind)
      yield [`${i} hears of ${inbox[0]!.commits[0]!.number}`, (w) => states.hear(w.tabs[i]!)];
    if (inbox.length > 0 && left.losses > 0)
      yield [
        `${i}, frozen, loses announcements`,
        spend("losses", (w) => Object.assign(w.tabs[i]!, { inbox: [], isBehind: true })),
      ];
    if (isBehind) yield [`${i} reloads`, (w) => states.reload(w, i)];
    if (hasPending && !isBehind) yield [`${i} commits`, (w) => states.commit(w, i)];
    if (gap !== undefined && !hasPending && !isBehind) {
      yield [`${i} closes the gap`, (w) => states.closeGap(w, i, true)];
      if (left.unknown > 0)
        yield [`${i} cannot learn what it missed`, spend("unknown", (w) => states.closeGap(w, i, false))];
    }
    if (hasPending && !isBehind && left.lost > 0 && states.syncIn(world).head === clone.head)
      yield [
        `${i} commits, and the answer is lost`,
        spend("lost", (w) => {
          const { clone: before, query: asked } = structuredClone(w.tabs[i]!);
          states.commit(w, i);
          Object.assign(w.tabs[i]!, { clone: before, query: asked });
        }),
      ];
    if (left.tracks > 0 && isFree && user === undefined && isTracked(world, now))
      yield [`${i} tracks U`, spend("tracks", (w) => states.apply(w.tabs[i]!, { type: "track", users: [U] }))];
    if (left.crashes > 0)
      yield [
        `${i} crashes and restarts`,
        spend("crashes", (w) => {
          w.tabs[i] = states.openTab(w);
          if (w.leader === i) w.leader = 1 - i;
        }),
      ];
    if (left.takeovers > 0 && world.leader === i)
      yield [
        `${i} loses the lock`,
        spend("takeovers", (w) => {
          w.leader = 1 - i;
          Object.assign(w.tabs[i]!, { deposed: loop, loop: undefined });
        }),
      ];
    if (left.lookups > 0 && query === undefined && isFree) {
      if (user?.outdated === false)
        yield [
          `${i} reads`,
          spend("lookups", (w) => {
            const { revision, version } = states.listIn(w);
            if (revision === user.revision.number && version < given)
              report(`P1: ${i} reads V${version} as current, given V${given}`);
          }),
        ];
      else
        for (const seen of [states.versionAt(world, now), undefined])
          yield [
            `${i} queries, seen ${seen ?? "later"}`,
            spend(
              "lookups",
              (w) =>
                (w.tabs[i]!.query = { revision: w.tabs[i]!.clone.users.get(U)?.revision, superseded: false, seen }),
            ),
          ];
    }
    if (query !== undefined && query.seen === undefined)
      yield [`the server sees ${i}'s query`, (w) => (w.tabs[i]!.query!.seen = states.versionAt(w, now))];
    if (query?.seen !== undefined && !hasPending && isFree)
      yield [
        `${i} is answered V${query.seen}`,
        (w) => {
          const version = states.save(w, i);
          if (version !== undefined && version < given) report(`P1: ${i} gets V${version} as current, given V${given}`);
        },
      ];
  }
}

/** A key for a world: two that are alike but for the identity of their revision objects are different. */
function keyOf(world: World): string {
  const revisions = new Map<unknown, number>();
  const text = JSON.stringify(world, (name, value: unknown) => {
    if (value instanceof Map || value instanceof Set) return [...value];
    if (name !== "revision" || typeof value !== "object" || value === null) return value;
    if (!revisions.has(value)) revisions.set(value, revisions.size);
    return [(value as Revision).number, revisions.get(value)];
  });
  return createHash("md5").update(text).digest("base64");
}

/** Every state that can be reached within the budget, each once; the trace of the first breach, or the number of states. */
function explore(budget: Partial<Record<Budget, number>>): {
  readonly states: number;
  readonly broken?: readonly string[];
} {
  const left = { ...NO_BUDGET, ...budget };
  const records = states.initialRecords();
  const tabs = [states.openTab({ records }), states.openTab({ records })];
  tabs[0]!.loop = 0;
  const start: World = { log: "", leader: 0, left, records, tabs };
  const seen = new Set([keyOf(start)]);
  const open: { readonly world: World; readonly trace: readonly string[] }[] = [{ world: start, trace: [] }];
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    let broken: string | undefined;
    for (const [label, happens] of next(here.world, (how) => (broken ??= how))) {
      const world = structuredClone(here.world);
      happens(world);
      for (const tab of world.tabs) states.stand(tab);
      broken ??= breach(world, left.unknown);
      const trace = [...here.trace, label];
      if (broken !== undefined) return { states: seen.size, broken: [...trace, broken] };
      const key = keyOf(world);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push({ world, trace });
    }
  }
  return { states: seen.size };
}

/** Scopes that take seconds; `MODEL_SCOPE="changes=3,takeovers=1"` explores another one. */
const SCOPES: readonly Partial<Record<Budget, number>>[] =
  process.env.MODEL_SCOPE === undefined
    ? [
        { changes: 2 },
        { changes: 2, crashes: 1 },
        { changes: 1, takeovers: 1 },
        { changes: 2, losses: 1 },
        { changes: 1, takeovers: 1, lost: 1 },
        { changes: 2, tracks: 1, lost: 1 },
        { changes: 1, takeovers: 1, unknown: 1, tracks: 1 },
      ]
    : [
        Object.fromEntries(
          process.env.MODEL_SCOPE.split(",").map((one) => [one.split("=")[0], Number(one.split("=")[1])]),
        ),
      ];

describe("the chain of commits, in every state of a small scope", () => {
  it.each(SCOPES)("keeps its promises: %o", (scope) => {
    const { states: count, broken } = explore(scope);
    if (process.env.MODEL_SCOPE !== undefined) console.log(`${count} states`);
    expect(broken).toBeUndefined();
  });
});
