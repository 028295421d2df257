import { of } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { BOB, CAROL } from "../support/users.js";
import { answer, changed, left } from "../support/wire.js";
import { B1, B2, SHOWN, watchingIn } from "./watching-in.js";

const C1 = answer({ [CAROL]: ["C1"] });

describe("a watcher", () => {
  it(
    "emits first when every user has an answer, and does not complete",
    marbles((m) => {
      const answers = [m.cold("--(b|)", { b: B1 }), m.cold("----(c|)", { c: C1 })];
      const { watch } = watchingIn(m, { tracking: [BOB, CAROL], answers, maxUsersPerQuery: 1 });
      m.expectObservable(watch([BOB, CAROL]), "^-------!").toBe("----b----", {
        b: ["bob B1 current", "carol C1 current"],
      });
    }),
  );

  it(
    "emits an empty map for no user",
    marbles((m) => {
      m.expectObservable(watchingIn(m, {}).watch([]), "^---!").toBe("e", { e: [] });
    }),
  );

  it(
    "shows a cached list within the subscription",
    marbles((m) => {
      const { watch, lookup } = watchingIn(m, { answers: [of(B1)] });
      lookup([BOB]).subscribe();
      m.expectObservable(watch([BOB]), "--^---!").toBe("--a---", SHOWN);
    }),
  );

  it(
    "shows a change at once as superseded, and the new list when it is there",
    marbles((m) => {
      const sync$ = m.hot("           -----x-----", { x: changed(BOB) });
      const second$ = m.cold("             --(b|)", { b: B2 });
      const { watch } = watchingIn(m, { sync$, answers: [of(B1), second$] });
      m.expectObservable(watch([BOB]), "^---------!").toBe("a----s-b", SHOWN);
      m.expectSubscriptions(second$.subscriptions).toBe("-----^-!");
    }),
  );

  it(
    "shows a change that altered nothing as superseded, and as current again",
    marbles((m) => {
      const sync$ = m.hot("-----x-----", { x: changed(BOB) });
      const { watch } = watchingIn(m, { sync$, answers: [of(B1), m.cold("--(a|)", { a: B1 })] });
      m.expectObservable(watch([BOB]), "^---------!").toBe("a----s-a", SHOWN);
    }),
  );

  it(
    "has every user in each map",
    marbles((m) => {
      const answers = [
        of({ ...answer({ [BOB]: ["B1"], [CAROL]: ["C1"] }) }),
        m.cold("--(c|)", { c: answer({ [CAROL]: ["C2"] }) }),
      ];
      const { watch } = watchingIn(m, {
        tracking: [BOB, CAROL],
        sync$: m.hot("-----x", { x: changed(CAROL) }),
        answers,
      });
      m.expectObservable(watch([BOB, CAROL]), "^---------!").toBe("a----b-c", {
        a: ["bob B1 current", "carol C1 current"],
        b: ["bob B1 current", "carol C1 superseded"],
        c: ["bob B1 current", "carol C2 current"],
      });
    }),
  );

  it(
    "emits one map for all users of a step, and queries them together",
    marbles((m) => {
      const both = (version: number) => answer({ [BOB]: [`B${version}`], [CAROL]: [`C${version}`] });
      const { watch, asked$ } = watchingIn(m, {
        tracking: [BOB, CAROL],
        sync$: m.hot("-----x", { x: changed(BOB, CAROL) }),
        answers: [of(both(1)), m.cold("--(x|)", { x: both(2) })],
      });
      m.expectObservable(watch([BOB, CAROL]), "^---------!").toBe("a----b-c", {
        a: ["bob B1 current", "carol C1 current"],
        b: ["bob B1 superseded", "carol C1 superseded"],
        c: ["bob B2 current", "carol C2 current"],
      });
      m.expectObservable(asked$).toBe("x----x", { x: "bob carol" });
    }),
  );

  it(
    "emits nothing for changes of other users",
    marbles((m) => {
      const { watch, requests } = watchingIn(m, { sync$: m.hot("-----x", { x: changed(CAROL) }), answers: [of(B1)] });
      m.expectObservable(watch([BOB]), "^---------!").toBe("a", SHOWN);
      m.afterwards(() => {
        expect(requests).toHaveLength(1);
      });
    }),
  );

  it(
    "shows a user who left as untracked, and queries them when they are back",
    marbles((m) => {
      const sync$ = m.hot("-----x---y", { x: left(BOB), y: changed(BOB) });
      const { watch } = watchingIn(m, { sync$, answers: [of(B1), m.cold("--(b|)", { b: B2 })] });
      m.expectObservable(watch([BOB]), "^--------------!").toBe("a----l---s-b", SHOWN);
    }),
  );

  it(
    "shows a user who leaves during their lookup as untracked in the end",
    marbles((m) => {
      const { watch, asked$ } = watchingIn(m, {
        sync$: m.hot("--x", { x: left(BOB) }),
        answers: [m.cold("----(a|)", { a: B1 })],
      });
      m.expectObservable(watch([BOB]), "^ 60m !").toBe("----l", SHOWN);
      m.expectObservable(asked$).toBe("q", { q: "bob" });
    }),
  );

  it(
    "shows what another caller fetched, without a query of its own",
    marbles((m) => {
      const { watch, lookup, requests } = watchingIn(m, { answers: [of(B1), of(B2)] });
      m.expectObservable(watch([BOB]), "^--------!").toBe("a---b---", SHOWN);
      m.acts("----f", { f: () => lookup([BOB], { forceDownload: true }).subscribe() });
      m.afterwards(() => {
        expect(requests).toHaveLength(2);
      });
    }),
  );

  it(
    "shares its query with other watchers and callers",
    marbles((m) => {
      const bob$ = m.cold("           ---(a|)", { a: B1 });
      const { watch, lookup } = watchingIn(m, { answers: [bob$] });
      m.expectObservable(watch([BOB]), "^-----!").toBe("---a--", SHOWN);
      m.expectObservable(watch([BOB]), "-^----!").toBe("---a--", SHOWN);
      m.expectObservable(lookup([BOB]), "--^----").toBe("---(a|)", SHOWN);
      m.expectSubscriptions(bob$.subscriptions).toBe("^--!");
    }),
  );

  it(
    "aborts its query when it is unsubscribed",
    marbles((m) => {
      const bob$ = m.cold("           -------");
      const { watch } = watchingIn(m, { answers: [bob$] });
      m.expectObservable(watch([BOB]), "^--!").toBe("-");
      m.expectSubscriptions(bob$.subscriptions).toBe("^--!");
    }),
  );
});
