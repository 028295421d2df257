import { WITHOUT_END, type Beginning } from "./scope.js";
import { SmallWorld, type Start, type Surroundings } from "./small-world.js";
import { copyOf } from "./stepped-store.js";

const NOTHING: Start = { log: [], records: new Map(), loaded: false, happened: [] };

/** The beginnings, made by a history each, from the one before. */
export function startOf(beginning: Beginning, around: Surroundings): Start {
  if (beginning === "nothing saved") return NOTHING;
  const world = new SmallWorld(around, NOTHING, WITHOUT_END);
  const settle = () => {
    for (const text of [
      "tab 0's update of the store is done",
      "tab 0's read of the store is done",
      "tab 0's readKinds of the store is done",
    ]) {
      if (world.enabled.some((one) => world.describe(one) === text)) {
        happen(world, text);
        settle();
        return;
      }
    }
  };
  settle();
  happen(world, "tab 0 is given");
  settle();
  for (const text of ["bob changes", "carol changes", "tab 0 is given"]) happen(world, text);
  settle();
  if (beginning === "lists saved") {
    happen(world, "tab 0 looks up bob and carol");
    settle();
    happen(world, "tab 0 is answered");
    settle();
  }
  if (world.broken !== undefined) throw new Error(world.broken);
  for (const kind of beginning === "lists saved" ? ["state", "list"] : ["state"])
    if (world.records.get(kind)?.size !== 2) throw new Error(`${beginning}: not both users are there`);
  const start: Start = { log: world.log, records: copyOf(world.records), loaded: true, happened: [] };
  if (beginning !== "a query in flight") return start;
  const asking = new SmallWorld(around, start, WITHOUT_END);
  return {
    ...start,
    happened: ["tab 0 looks up bob", "tab 0's read of the store is done"].map((text) => happen(asking, text)),
  };
}

/** Lets the first event happen that begins with these words. */
function happen(world: SmallWorld, text: string): number {
  const event = world.enabled.find((one) => world.describe(one).startsWith(text));
  if (event === undefined) throw new Error(`this cannot happen: ${text}`);
  world.apply(event);
  return event;
}
