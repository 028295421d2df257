import { concat, NEVER, of, Subject, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed } from "../support/wire.js";
import { B1, B2, SHOWN, watchingIn } from "./watching-in.js";

describe("a watcher whose lookups overlap", () => {
  it(
    "shows the answer of the later one, not the older one that comes after it",
    marbles((m) => {
      const answers = [of(B1), m.cold("----------(a|)", { a: B1 }), m.cold("--(b|)", { b: B2 })];
      const { watch } = watchingIn(m, { sync$: m.hot("--x--x", { x: changed(BOB) }), answers });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a-s----b", SHOWN);
    }),
  );

  it(
    "neither reports the older one's failure nor retries because of it",
    marbles((m) => {
      const answers = [of(B1), m.cold("----------#"), m.cold("--(b|)", { b: B2 })];
      const { watch, asked$, problems$ } = watchingIn(m, { sync$: m.hot("--x--x", { x: changed(BOB) }), answers });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("a-s----b", SHOWN);
      m.expectObservable(asked$).toBe("q-q--q", { q: "bob" });
      m.expectObservable(problems$).toBe("-");
    }),
  );

  it(
    "does not go back to an older list that a slow request of other users brings",
    marbles((m) => {
      const slow = answer({ [BOB]: ["B1"], [CAROL]: ["C1"] });
      const { watch } = watchingIn(m, {
        tracking: [BOB, CAROL],
        sync$: m.hot("--x", { x: changed(BOB) }),
        answers: [m.cold("----------(x|)", { x: slow }), m.cold("--(b|)", { b: B2 })],
      });
      m.expectObservable(watch([BOB, CAROL]), "^ 60s !").toBe("----------x", {
        x: ["bob B2 current", "carol C1 current"],
      });
    }),
  );
});

describe("a watcher and the connection", () => {
  it(
    "outlives the failure of the sync stream",
    marbles((m) => {
      const sync$ = concat(
        m.cold("--x--|", { x: changed(BOB) }),
        throwError(() => new Error("logged out")),
      );
      const { watch, lookup } = watchingIn(m, { sync$, answers: [of(B1), of(B2), of(B1)] });
      m.expectObservable(watch([BOB]), "^ 1s !").toBe("a-(sb)------a", SHOWN);
      m.acts("------------f", { f: () => lookup([BOB], { forceDownload: true }).subscribe() });
    }),
  );

  it(
    "needs none: users whom track() adds are queried",
    marbles((m) => {
      const { watch, tracker } = watchingIn(m, {
        tracking: [],
        answers: [of(B1), m.cold("--(b|)", { b: B2 })],
        sync$: NEVER,
      });
      m.expectObservable(watch([BOB]), "^ 1s !").toBe("l----s-b", SHOWN);
      m.acts("-----t", { t: () => tracker.track([BOB]).subscribe() });
    }),
  );

  it(
    "completes when the tracker is closed",
    marbles((m) => {
      const { watch, tracker } = watchingIn(m, { answers: [of(B1)] });
      m.expectObservable(watch([BOB])).toBe("a----|", SHOWN);
      m.expectObservable(watch([BOB]), "------^").toBe("------|");
      m.acts("-----c", { c: () => tracker.close() });
    }),
  );
});

describe("a step from inside an emission of a watcher", () => {
  it(
    "is looked up and shown",
    marbles((m) => {
      const sync$ = new Subject<ReturnType<typeof changed>>();
      const { watch } = watchingIn(m, { sync$, answers: [of(B1), m.cold("--(b|)", { b: B2 })] });
      const seen: unknown[] = [];
      watch([BOB]).subscribe((shown) => {
        seen.push(...shown);
        if (seen.length === 1) sync$.next(changed(BOB));
      });
      m.afterwards(() => {
        expect(seen).toEqual(["bob B1 current", "bob B1 superseded", "bob B2 current"]);
      });
    }),
  );
});
