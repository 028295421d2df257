import { inOneOrder, rename, type Renaming } from "./events.js";
import { replay, tell, type Merge } from "./explore.js";
import type { Budget } from "./scope.js";
import type { SmallWorld, Start, Surroundings } from "./small-world.js";

/** How far two histories that were merged are gone on from. */
const SUFFIX = 15;

/**
 * Whether two histories that were found equal go on alike: the same events, at random, happen to both, and all that can be seen is compared. Gives what differs, or what broke, or
 * `undefined`.
 *
 * It is seen by the names under which the two are equal: they may differ in which tab and which user is which.
 */
export function differenceOf(
  { one, other }: Merge,
  around: Surroundings,
  start: Start,
  budget: Budget,
  chance: () => number,
): string | undefined {
  const worlds = [one, other].map((history) => {
    const world = replay(around, start, budget, history);
    const { renaming, high, low } = world.print();
    world.takeSeen(renaming);
    return { world, renaming, print: `${high} ${low}`, history: [...history] };
  });
  if (worlds[0]!.print !== worlds[1]!.print) return "they were not equal";
  const done: string[] = [];
  for (let i = 0; i < SUFFIX; i++) {
    const [enabled, same] = worlds.map(({ world, renaming }) =>
      world.enabled.map((event) => inOneOrder(rename(event, renaming))).sort((a, b) => a - b),
    );
    if (enabled!.join() !== same!.join()) return `${done.join("; ")}: then not the same can happen`;
    const event = enabled![Math.floor(chance() * enabled!.length)]!;
    done.push(worlds[0]!.world.describe(rename(event, worlds[0]!.renaming)));
    const [seen, alike] = worlds.map((each) => happen(event, each));
    const broken = worlds.find(({ world }) => world.broken !== undefined);
    if (broken !== undefined) return tell(around, start, budget, broken.history);
    if (seen !== alike) return `${done.join("; ")}: ${seen!} is not ${alike!}`;
  }
  return undefined;
}

function happen(
  event: number,
  { world, renaming, history }: { readonly world: SmallWorld; readonly renaming: Renaming; readonly history: number[] },
): string {
  history.push(rename(event, renaming));
  world.apply(rename(event, renaming));
  const { high, low } = world.print();
  return [...world.takeSeen(renaming).sort(), world.savedBy(renaming), high, low].join("\n");
}
