import { interval, of, Subject, take, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { BOB } from "../support/users.js";
import { step } from "../support/wire.js";
import { B1, SHOWN, watchingIn } from "./watching-in.js";

/** The server answered with this error: waiting for the connection is of no use. */
const failing = (status: number, properties: object = {}) =>
  throwError(() => Object.assign(new Error("refused"), { status, ...properties }));
const refused$ = failing(500);
const offline$ = throwError(() => new Error("no network"));

describe("a user for whom the server was not reached", () => {
  it(
    "is queried at once when the stream has a response again",
    marbles((m) => {
      const sync$ = m.hot("500ms x", { x: step("s1") });
      const { watch, asked$ } = watchingIn(m, { sync$, answers: [offline$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 499ms a", SHOWN);
      m.expectObservable(asked$).toBe("q 499ms q", { q: "bob" });
    }),
  );

  it(
    "is so after several failures, too",
    marbles((m) => {
      const sync$ = m.hot("20s x", { x: step("s1") });
      const { watch, asked$ } = watchingIn(m, { sync$, answers: [offline$, offline$, offline$, offline$, of(B1)] });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 19999ms a", SHOWN);
      m.expectObservable(asked$).toBe("q 1999ms q 3999ms q 7999ms q 5999ms q", { q: "bob" });
    }),
  );

  it(
    "is not queried with every response if queries fail all the same",
    marbles((m) => {
      const sync$ = new Subject<SyncResponse>();
      const answers = Array.from({ length: 100 }, () => offline$);
      const { watch, requests } = watchingIn(m, { sync$, answers });
      m.expectObservable(watch([BOB]), "^ 20m !").toBe("u", SHOWN);
      interval(100, m.scheduler)
        .pipe(take(9_000))
        .subscribe(() => sync$.next(step("s1")));
      m.afterwards(() => {
        expect(requests.length).toBeLessThan(30);
      });
    }),
  );

  it(
    "is not queried with the next response if the server answered with an error",
    marbles((m) => {
      const { watch, asked$ } = watchingIn(m, {
        sync$: m.hot("500ms x", { x: step("s1") }),
        answers: [refused$, of(B1)],
      });
      m.expectObservable(watch([BOB]), "^ 60s !").toBe("u 1999ms a", SHOWN);
      m.expectObservable(asked$).toBe("q 1999ms q", { q: "bob" });
    }),
  );
});
