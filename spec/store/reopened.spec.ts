import { defer, type Observable } from "rxjs";
import { describe, it } from "vitest";
import { StoreClearedError, StoreFormatError, StoreOwnerError } from "../../src/model/errors.js";
import { reopened } from "../../src/store/reopened.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { ALICE, BOB } from "../support/users.js";

/** A store that is opened in these ways, one after the other. */
function opening(m: Marbles, ...tries: readonly Observable<string>[]): Observable<string> {
  let next = 0;
  return reopened(
    defer(() => tries[Math.min(next++, tries.length - 1)]!),
    m.scheduler,
  );
}

describe("a store that could not be opened", () => {
  it(
    "is tried again after 30 s, doubling to 10 min",
    marbles((m) => {
      const failing = m.cold<string>("#", {}, "no disk");
      m.expectObservable(opening(m, failing), "^ 49m !").toBe("-");
      m.expectSubscriptions(failing.subscriptions).toBe([
        "30s (^!)",
        "90s (^!)",
        "210s (^!)",
        "450s (^!)",
        "930s (^!)",
        "1530s (^!)",
        "2130s (^!)",
        "2730s (^!)",
      ]);
    }),
  );

  it(
    "is opened once",
    marbles((m) => {
      const [fails, opens] = [m.cold<string>("--#", {}, "no disk"), m.cold("---(o|)")];
      m.expectObservable(opening(m, fails, opens)).toBe("90005ms (o|)");
      m.expectSubscriptions(opens.subscriptions).toBe("90002ms ^--!");
    }),
  );

  it(
    "is not tried any more when nothing waits for it",
    marbles((m) => {
      const opens = m.cold("---(o|)");
      m.expectObservable(opening(m, opens), "^ 20s !").toBe("-");
      m.expectObservable(opening(m, opens), "^ 30s !").toBe("-");
      m.expectSubscriptions(opens.subscriptions).toBe("30s ^!");
    }),
  );

  it.each([new StoreOwnerError(BOB, ALICE), new StoreFormatError(3, 2), new StoreClearedError()])(
    "is given up after a %s",
    (error) => {
      marbles((m) => {
        m.expectObservable(opening(m, m.cold<string>("#", {}, error))).toBe("30s #", undefined, error);
        const later = opening(m, m.cold<string>("#", {}, "no disk"), m.cold<string>("#", {}, error));
        m.expectObservable(later).toBe("90s #", undefined, error);
      })();
    },
  );
});
