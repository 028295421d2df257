import { ignoreElements, map, merge, mergeMap, of, type Observable } from "rxjs";
import { describe, it } from "vitest";
import type { TrackerActivity } from "../../src/model/activity.js";
import { marbles } from "../support/marbles.js";
import { otherTab, setUp, type UnderTest } from "../support/set-up.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { changed } from "../support/wire.js";

const DEVICES = { [ALICE]: ["A1"], [BOB]: ["B1"], [CAROL]: ["C1"], [DAVE]: ["D1"] };

/** What is not 0, such as `1 waiting, 2/3 fetched`. */
const words = ({ fetched, toFetch, ...counts }: TrackerActivity): string =>
  [
    ...Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`])),
    ...(toFetch === 0 ? [] : [`${fetched}/${toFetch} fetched`]),
  ].join(", ");
const activity = ({ tracker }: Pick<UnderTest, "tracker">): Observable<string> => tracker.activity$.pipe(map(words));

describe("activity$", () => {
  it(
    "says how far a lookup is, once in each task in which that changes",
    marbles((m) => {
      const under = setUp(m, {
        devices: DEVICES,
        tracked: [BOB, CAROL, DAVE],
        answerAfter: 3,
        maxUsersPerQuery: 1,
        maxConcurrentQueries: 2,
      });
      m.expectObservable(activity(under), "^----------!").toBe("n-a--b--c", {
        n: "",
        a: "1 waiting, 2 inFlight, 3 misses, 0/3 fetched",
        b: "1 inFlight, 3 misses, 2/3 fetched",
        c: "3 misses, 3/3 fetched",
      });
      m.expectObservable(under.lookup([BOB, CAROL, DAVE]), "--^").toBe("--------(r|)", {
        r: ["bob B1 current", "carol C1 current", "dave D1 current"],
      });
    }),
  );

  it(
    "counts what was in memory or in the store, and begins the progress anew after a pause",
    marbles((m) => {
      const first = setUp(m, { devices: DEVICES, tracked: [BOB, CAROL] });
      m.expectObservable(first.lookup([BOB])).toBe("(r|)", { r: ["bob B1 current"] });
      const second = otherTab(m, first);
      m.expectObservable(second.lookup([BOB, CAROL]), "-^").toBe("-(r|)", {
        r: ["bob B1 current", "carol C1 current"],
      });
      m.expectObservable(second.lookup([BOB]), "--^").toBe("--(r|)", { r: ["bob B1 current"] });
      m.expectObservable(second.lookup([DAVE]), "---^").toBe("---(r|)", { r: ["dave D1 untracked"] });
      m.expectObservable(activity(second), "^----!").toBe("nabc", {
        n: "",
        a: "1 hits, 1 misses, 1/1 fetched",
        b: "2 hits, 1 misses, 1/1 fetched",
        c: "2 hits, 2 misses, 1/1 fetched",
      });
    }),
  );

  it(
    "counts queries that a change supersedes; one that is aborted is over, one that was never sent is forgotten",
    marbles((m) => {
      const under = setUp(m, {
        devices: DEVICES,
        tracked: [BOB, CAROL],
        answerAfter: 5,
        maxUsersPerQuery: 1,
        maxConcurrentQueries: 1,
        sync$: m.hot("--x", { x: changed(BOB) }),
      });
      m.expectObservable(under.lookup([BOB]), "-^--!").toBe("-");
      m.expectObservable(under.lookup([CAROL]), "-^--!").toBe("-");
      m.expectObservable(activity(under), "^------!").toBe("nab-c", {
        n: "",
        a: "1 waiting, 1 inFlight, 2 misses, 0/2 fetched",
        b: "2 inFlight, 2 misses, 1 superseded, 0/2 fetched",
        c: "2 misses, 1 superseded, 2/2 fetched",
      });
    }),
  );

  it(
    "counts what a subscriber causes from inside its first value; IDs that are not user IDs are neither hit nor miss",
    marbles((m) => {
      const under = setUp(m, { devices: DEVICES, tracked: [BOB] });
      const lookup$ = under.lookup(["nonsense", BOB]).pipe(ignoreElements());
      const counts$ = activity(under).pipe(mergeMap((one, i) => (i === 0 ? merge(of(one), lookup$) : of(one))));
      m.expectObservable(counts$, "^-!").toBe("(nc)", { n: "", c: "1 misses, 1/1 fetched" });
    }),
  );

  it(
    "has the current counts for a late subscriber, and completes with the tracker",
    marbles((m) => {
      const under = setUp(m, { devices: DEVICES, tracked: [BOB] });
      m.expectObservable(under.lookup([BOB])).toBe("(r|)", { r: ["bob B1 current"] });
      m.acts("---c", { c: () => under.tracker.close() });
      m.expectObservable(activity(under), "--^").toBe("--n|", { n: "1 misses, 1/1 fetched" });
      m.expectObservable(activity(under), "----^").toBe("----|");
    }),
  );
});
