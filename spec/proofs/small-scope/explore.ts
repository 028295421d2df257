import type { Budget } from "./scope.js";
import { SmallWorld, type Start, type Surroundings } from "./small-world.js";
import { StateSet } from "./state-set.js";

/** Two histories after which everything was found equal. */
export interface Merge {
  readonly one: readonly number[];
  readonly other: readonly number[];
}

/** What is known once all histories up to a length have been looked at. */
export interface Level {
  readonly length: number;
  /** States that no shorter history leads to. */
  readonly states: number;
  /** Histories that were let happen: each event in each state. */
  readonly transitions: number;
  /** Of them, those that led to a state that another one had led to. */
  readonly merges: number;
}

export interface Explored {
  readonly levels: readonly Level[];
  /** Whether there is no state left that could be gone on from: longer histories lead nowhere else. */
  readonly complete: boolean;
  /** Some of the merges, evenly from all. */
  readonly sample: readonly Merge[];
  /** The first history that broke a promise, for people. */
  readonly broken: string | undefined;
}

export function replay(around: Surroundings, start: Start, budget: Budget, history: readonly number[]): SmallWorld {
  const world = new SmallWorld(around, start, budget);
  for (const event of history) world.apply(event);
  return world;
}

/**
 * Lets every history happen up to a length, breadth first, and goes on from equal states once. A tracker cannot be copied, so each is led to its state from the beginning.
 *
 * @param goOn asked before each state; `false` ends it within a level, which then does not count
 * @param chance for the sample: a number from 0 to 1
 */
export function explore(
  around: Surroundings,
  start: Start,
  budget: Budget,
  bounds: {
    readonly length: number;
    readonly sampleSize: number;
    readonly goOn: () => boolean;
    readonly chance: () => number;
    readonly onLevel?: (level: Level) => void;
  },
): Explored {
  const states = new StateSet();
  const levels: Level[] = [];
  const sample: Merge[] = [];
  let merged = 0;
  const first = new SmallWorld(around, start, budget);
  const { high, low } = first.print();
  states.add(high, low, 0, 0);
  const end = (complete: boolean, broken?: string): Explored => ({ levels, complete, sample, broken });
  if (first.broken !== undefined) return end(false, first.broken);

  for (let length = 1, from = 0, to = 1; length <= bounds.length; length++) {
    let transitions = 0;
    let merges = 0;
    for (let state = from; state < to; state++) {
      if (!bounds.goOn()) return end(false);
      const history = states.history(state);
      let world: SmallWorld | undefined = replay(around, start, budget, history);
      const before = world.tabPrints;
      for (const event of world.enabled) {
        world ??= replay(around, start, budget, history);
        world.apply(event);
        transitions++;
        if (world.broken !== undefined) return end(false, tell(around, start, budget, [...history, event]));
        const { high, low } = world.print(before, event);
        const known = states.add(high, low, state, event);
        world = undefined;
        if (known === undefined) continue;
        merges++;
        const place = merged < bounds.sampleSize ? merged : Math.floor(bounds.chance() * (merged + 1));
        merged++;
        if (place < bounds.sampleSize) sample[place] = { one: states.history(known), other: [...history, event] };
      }
    }
    const level = { length, states: states.size - to, transitions, merges };
    levels.push(level);
    bounds.onLevel?.(level);
    from = to;
    to = states.size;
    if (from === to) return end(true);
  }
  return end(false);
}

/** A history, one line for each event, and what it broke. */
export function tell(around: Surroundings, start: Start, budget: Budget, history: readonly number[]): string {
  const world = new SmallWorld(around, start, budget);
  const same = { tabs: false, users: false };
  const lines = history.flatMap((event, i) => {
    const line = `${String(i + 1).padStart(3)}. ${world.describe(event)}`;
    world.apply(event);
    return [line, ...world.takeSeen(same).map((seen) => `       tab ${seen}`)];
  });
  return `${world.broken ?? "not broken when told again"}\n${lines.join("\n")}`;
}
