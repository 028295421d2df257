import { describe, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { listOf, signed } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { BOB } from "../support/users.js";

const PHONE = signed(BOB, "B2");
const OLD = listOf(BOB, signed(BOB, "B1"), PHONE);
/** The same device ID with another key, properly signed by it. */
const NEW = listOf(BOB, signed(BOB, "B1", { key: "new", curve: "newcurve" }), PHONE);
const known = { b: ["bob B1:s B2:s none current"] };
const accepted = { b: ["bob B1(new):s B2:s none current"] };

describe("forgetDevice", () => {
  it(
    "has a device of that ID accepted as a new one, and after a restart",
    marbles((m) => {
      const first = trusting(m);
      first.publish("ab", { a: OLD, b: NEW });
      m.expectObservable(first.fetch(BOB), "^").toBe("(b|)", known);
      m.expectObservable(first.fetch(BOB), "-^").toBe("-(b|)", { b: ["bob B1:s B2:s !B1:key-changed none current"] });
      m.expectObservable(first.tracker.forgetDevice(BOB, "B1"), "--^").toBe("--|");
      m.expectObservable(first.get(BOB), "---^").toBe("---(b|)", accepted);
      m.expectObservable(trustingAgain(m, first).fetch(BOB), "----^").toBe("----(b|)", accepted);
    }),
  );

  it(
    "pins the new key, as the first one of any device",
    marbles((m) => {
      const { publish, get, fetch, tracker } = trusting(m);
      publish("a-b-c", { a: OLD, b: NEW, c: OLD });
      m.expectObservable(fetch(BOB), "^").toBe("(b|)", known);
      m.expectObservable(tracker.forgetDevice(BOB, "B1"), "-^").toBe("-|");
      m.expectObservable(get(BOB), "--^").toBe("--(b|)", accepted);
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", {
        b: ["bob B1(new):s B2:s !B1:key-changed none current"],
      });
    }),
  );

  it(
    "removes it from the last list at once, for watchers and other tabs, too",
    marbles((m) => {
      const first = trusting(m, { answerAfter: 2 });
      const second = trustingAgain(m, first);
      first.publish("a", { a: OLD });
      m.expectObservable(first.fetch(BOB), "^").toBe("--(b|)", known);
      m.expectObservable(second.known(BOB), "---^").toBe("---(b|)", known);
      m.expectObservable(first.tracker.forgetDevice(BOB, "B1"), "----^").toBe("----|");
      const forgotten = { b: ["bob B2:s none outdated"] };
      m.expectObservable(first.known(BOB), "-----^").toBe("-----(b|)", forgotten);
      m.expectObservable(second.known(BOB), "-----^").toBe("-----(b|)", forgotten);
    }),
  );

  it(
    "counts at once, and waits for a store that fails",
    marbles((m) => {
      const { publish, get, fetch, tracker, store } = trusting(m);
      publish("a-b", { a: OLD, b: NEW });
      m.expectObservable(fetch(BOB), "^").toBe("(b|)", known);
      m.acts("-f", { f: () => store.failNext("full", "update") });
      m.expectObservable(tracker.forgetDevice(BOB, "B1"), "--^").toBe("-- 1s |");
      m.expectObservable(get(BOB), "---^").toBe("---(b|)", accepted);
    }),
  );
});
