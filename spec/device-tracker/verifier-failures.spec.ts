import { catchError, EMPTY, NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { VerificationFailedError } from "../../src/model/errors.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { savedIds } from "../support/saved.js";
import type { SetUp } from "../support/set-up.js";
import { listOf, signed, together } from "../support/signed.js";
import { trusting } from "../support/trusting.js";
import { BOB, CAROL } from "../support/users.js";

const failed = (cause: unknown) => new VerificationFailedError(1, { cause });
const current = { b: ["bob B1:s none current"] };

/** Queries take 2 ms and verification takes 3 ms. Bob's and Carol's devices are published. */
function verifying(m: Marbles, options: SetUp = {}) {
  const under = trusting(m, { answerAfter: 2, takes: 3, ...options });
  under.publish("a", { a: together(listOf(BOB, signed(BOB, "B1")), listOf(CAROL, signed(CAROL, "C1"))) });
  return under;
}

describe("a verifier that fails", () => {
  it(
    "fails all callers and leaves no trace: the next call queries again",
    marbles((m) => {
      const { get, verifier, store, expectQueries } = verifying(m);
      verifier.failNext("no ed25519");
      m.expectObservable(get(BOB), "^--").toBe("-----#", undefined, failed("no ed25519"));
      m.expectObservable(get(BOB), "---^").toBe("-----#", undefined, failed("no ed25519"));
      m.acts("------c", { c: () => expect(savedIds(store.records, "list")).toEqual([]) });
      m.expectObservable(get(BOB), "------^").toBe("-----------(b|)", current);
      expectQueries("0-2 bob", "6-8 bob");
    }),
  );

  it(
    "may be retried from within the error",
    marbles((m) => {
      const { get, verifier, expectQueries } = verifying(m);
      verifier.failNext("no ed25519");
      m.expectObservable(get(BOB).pipe(catchError(() => get(BOB)))).toBe("----------(b|)", current);
      expectQueries("0-2 bob", "5-7 bob");
    }),
  );

  it(
    "leaves users of the call's other requests cached",
    marbles((m) => {
      const { get, verifier, expectQueries } = verifying(m, { maxUsersPerQuery: 1 });
      verifier.failNext("no ed25519");
      m.expectObservable(get(BOB, CAROL), "^-----").toBe("-----#", undefined, failed("no ed25519"));
      m.expectObservable(get(BOB, CAROL), "------^").toBe("-----------(x|)", {
        x: [...current.b, "carol C1:s none current"],
      });
      expectQueries("0-2 bob", "0-2 carol", "6-8 bob");
    }),
  );

  it(
    "is reported by watchers, which retry",
    marbles((m) => {
      const { watch, verifier, problems } = verifying(m);
      verifier.failNext("no ed25519");
      m.expectObservable(watch(BOB), "^ 9s !").toBe("-----a 2004ms b", {
        a: ["bob unknown unreachable"],
        b: current.b,
      });
      m.afterwards(() => {
        expect(problems).toMatchObject([{ type: "watch-failed", userIds: [BOB], retryIn: 2_000 }]);
      });
    }),
  );
});

describe("a verifier counts as failed", () => {
  it(
    "if it throws",
    marbles((m) => {
      const broken = new Error("broken");
      const verifier = {
        verify: () => {
          throw broken;
        },
      };
      m.expectObservable(verifying(m, { verifier }).get(BOB)).toBe("--#", undefined, failed(broken));
    }),
  );

  it(
    "if it completes without a result",
    marbles((m) => {
      const { get } = verifying(m, { verifier: { verify: () => EMPTY } });
      m.expectObservable(get(BOB)).toBe("--#", undefined, failed(new Error("it completed without a result")));
    }),
  );

  it(
    "if it does not answer within queryDeadline, whether callers still wait or not",
    marbles((m) => {
      const { publish, get, expectQueries } = verifying(m, { verifier: { verify: () => NEVER }, queryDeadline: 10 });
      const late = failed(new Error("it did not answer within 10 ms"));
      m.expectObservable(get(BOB), "  ^--").toBe("------------#", undefined, late);
      m.expectObservable(get(CAROL), "^--!").toBe("----");
      publish("-------------a", { a: together(listOf(BOB), listOf(CAROL)) });
      m.expectObservable(get(BOB, CAROL), "-------------^").toBe("---------------(x|)", {
        x: ["bob none current", "carol none current"],
      });
      expectQueries("0-2 bob", "0-2 carol", "13-15 bob carol");
    }),
  );
});
