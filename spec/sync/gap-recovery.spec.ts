import { EMPTY, NEVER, of, throwError, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import { StoreClearedError } from "../../src/model/errors.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { SyncStep } from "../../src/store/change.js";
import { closeGap, placeStep, type GapPorts, type Placement, type Standing } from "../../src/sync/gap-recovery.js";
import { parseStep } from "../../src/sync/parse-step.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { step } from "../store/steps.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const passed = (inMemory: readonly string[], inChain: readonly string[] = inMemory): Standing["passed"] => ({
  inMemory: (token) => inMemory.includes(token),
  inChain: (token) => inChain.includes(token),
});
const standing = (token: string | undefined, isFirst = false): Standing => ({ token, passed: passed([]), isFirst });

describe("the place of a step", () => {
  it.each<[string, { since?: string | null; next?: string }, string | undefined, boolean, Placement]>([
    ["begins at our token", { since: "s1", next: "s2" }, "s1", false, "next"],
    ["begins at our token and repeats it", { since: "s1", next: "s1" }, "s1", false, "next"],
    ["is the initial sync of an empty store", { since: null, next: "s1" }, undefined, true, "next"],
    ["leads to our token", { since: "s0", next: "s1" }, "s1", false, "past"],
    ["is an initial sync that leads to our token", { since: null, next: "s1" }, "s1", true, "past"],
    ["begins elsewhere", { since: "s5", next: "s6" }, "s1", false, "gap"],
    ["is an initial sync although we have a token", { since: null, next: "s9" }, "s1", true, "gap"],
    ["begins somewhere although we have no token", { since: "s5", next: "s6" }, undefined, true, "gap"],
    ["does not say where it begins", { next: "s2" }, "s1", false, "next"],
    ["does not say where it begins, as the first one", { next: "s2" }, "s1", true, "gap"],
    ["does not say where it begins, in an empty store", { next: "s2" }, undefined, true, "next"],
    ["was not understood", {}, "s1", true, "next"],
  ])("that %s", (_, { since, next }, token, isFirst, placement) => {
    expect(placeStep({ since, next }, standing(token, isFirst))).toBe(placement);
  });

  it.each<[string, string, Placement]>([
    ["s0", "s5", "late"],
    ["s0", "s0", "late"],
    ["s4", "s0", "late"],
    ["s4", "s4", "gap"],
    ["s4", "s5", "gap"],
  ])("that begins at %s and leads to %s, if memory stood on s0, is: %s", (since, next, placement) => {
    expect(placeStep({ since, next }, { ...standing("s1"), passed: passed(["s0"]) })).toBe(placement);
  });

  it.each<[string | null | undefined, string, Placement]>([
    ["s0", "s0", "late"],
    ["s4", "s0", "late"],
    ["s0", "s5", "gap"],
    [null, "s0", "gap"],
    [undefined, "s0", "gap"],
  ])(
    "that begins at %s and leads to %s, if the chain passed s0 before it was read, is: %s",
    (since, next, placement) => {
      expect(placeStep({ since, next }, { ...standing("s1", true), passed: passed([], ["s0"]) })).toBe(placement);
    },
  );
});

/** Closes the gap before a step from `s5` to `s6`, from token `s1`. */
function closing(m: Marbles, ports: Partial<GapPorts>, response: object = { since: "s5", next_batch: "s6" }) {
  const problems: TrackerProblem[] = [];
  const missing$ = closeGap(parseStep(response, ALICE), {
    ownUserId: ALICE,
    catchUp: () => EMPTY,
    standing: () => standing("s1"),
    changes: () => of({ changed: [] }),
    scheduler: m.scheduler,
    deadline: 5,
    report: (problem) => problems.push(problem),
    ...ports,
  });
  return { missing$, problems };
}

/** A step that closes the gap, up to where the step after it begins. */
const missing = (properties: Partial<SyncStep>): SyncStep =>
  step({ since: "s1", next: "s5", isPartial: true, isGap: true, ...properties });

const untracked = missing({ everyone: "untracked" });

describe("closing a gap", () => {
  it(
    "asks the server who changed from our token to where the step begins",
    marbles((m) => {
      const asked: unknown[] = [];
      const { missing$, problems } = closing(m, {
        changes: (range) => {
          asked.push(range);
          return m.cold("--(c|)", { c: { changed: [BOB], left: [CAROL] } });
        },
      });
      m.expectObservable(missing$).toBe("--(s|)", {
        s: missing({ changed: [BOB], left: [CAROL] }),
      });
      m.afterwards(() => {
        expect(asked).toEqual([{ from: "s1", to: "s5" }]);
        expect(problems).toMatchObject([{ type: "gap", from: "s1", to: "s5", caughtUp: true }]);
      });
    }),
  );

  it(
    "asks up to where the step leads if it does not say where it begins",
    marbles((m) => {
      const asked: unknown[] = [];
      const changes: GapPorts["changes"] = (range) => {
        asked.push(range);
        return of({ changed: [] });
      };
      const response = { since: null, next_batch: "s6" };
      m.expectObservable(closing(m, { changes }, response).missing$).toBe("(s|)", {
        s: missing({ next: "s6", isPartial: false }),
      });
      m.afterwards(() => {
        expect(asked).toEqual([{ from: "s1", to: "s6" }]);
      });
    }),
  );

  it(
    "asks nothing if another tab has committed the missing steps",
    marbles((m) => {
      let token = "s1";
      const { missing$, problems } = closing(m, {
        catchUp: () => {
          token = "s5";
          return of(undefined);
        },
        standing: () => standing(token),
        changes: () => throwError(() => new Error("it must not be asked")),
      });
      m.expectObservable(missing$).toBe("|");
      m.afterwards(() => {
        expect(problems).toEqual([]);
      });
    }),
  );

  it(
    "goes on from memory's token if the store fails",
    marbles((m) => {
      const { missing$ } = closing(m, { catchUp: () => throwError(() => new Error("full")) });
      m.expectObservable(missing$).toBe("(s|)", { s: missing({}) });
    }),
  );

  it(
    "fails if the store was cleared",
    marbles((m) => {
      const error = new StoreClearedError();
      m.expectObservable(closing(m, { catchUp: () => throwError(() => error) }).missing$).toBe("#", undefined, error);
    }),
  );

  it.each<[string, () => Observable<unknown>, string]>([
    ["fails", () => throwError(() => new Error("no network")), "no network"],
    ["returns something that may hide changes", () => of({ changed: 5 }), "changed"],
    ["returns nothing", () => EMPTY, "/keys/changes"],
    [
      "throws",
      () => {
        throw new Error("not connected");
      },
      "not connected",
    ],
  ])("untracks all users but our own if the request %s", (_, changes, message) => {
    marbles((m) => {
      const { missing$, problems } = closing(m, { changes });
      m.expectObservable(missing$).toBe("(s|)", { s: untracked });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: "s1", to: "s5", caughtUp: false }]);
        const [problem] = problems;
        expect(problem?.type === "gap" && String(problem.error)).toContain(message);
      });
    })();
  });

  it(
    "untracks all users but our own if the request is not answered in time",
    marbles((m) => {
      m.expectObservable(closing(m, { changes: () => NEVER }).missing$).toBe("-----(s|)", { s: untracked });
    }),
  );

  it(
    "untracks all users but our own without asking if gaps are distrusted",
    marbles((m) => {
      const { missing$, problems } = closing(m, { changes: undefined });
      m.expectObservable(missing$).toBe("(s|)", { s: untracked });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", caughtUp: false }]);
        expect(problems[0]).not.toHaveProperty("error");
      });
    }),
  );

  it(
    "untracks all users but our own without asking if there is no token to ask from",
    marbles((m) => {
      const { missing$, problems } = closing(m, { standing: () => standing(undefined) });
      m.expectObservable(missing$).toBe("(s|)", { s: missing({ since: undefined, everyone: "untracked" }) });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "gap", from: undefined, caughtUp: false }]);
      });
    }),
  );

  it(
    "reports strings in the answer that are not user IDs",
    marbles((m) => {
      const { missing$, problems } = closing(m, { changes: () => of({ changed: ["nobody", BOB] }) });
      missing$.subscribe();
      expect(problems).toMatchObject([
        { type: "user-ids-refused", source: "keys_changes", userIds: ["nobody"], count: 1 },
        { type: "gap", caughtUp: true },
      ]);
    }),
  );

  it(
    "aborts the request when it is unsubscribed",
    marbles((m) => {
      const changes$ = m.cold("-");
      m.expectObservable(closing(m, { changes: () => changes$ }).missing$, "^-!").toBe("-");
      m.expectSubscriptions(changes$.subscriptions).toBe("^-!");
    }),
  );
});
