import { describe, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { identityOf, listOf, signed, together } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { BOB } from "../support/users.js";
import { changed, left } from "../support/wire.js";

const BOBS = together(listOf(BOB, signed(BOB, "B1", { by: "bobS" })), identityOf(BOB, "bob"));
/** Bob's device, signed by another identity than the one he had. */
const BOBS_NEW = together(listOf(BOB, signed(BOB, "B1", { by: "newS" })), identityOf(BOB, "new"));
const unchanged = { b: ["bob B1:sx unchanged current"] };
const other = { b: ["bob B1:sx changed current"] };

describe("a user's first master key", () => {
  it(
    "stays pinned: with another one the user is changed, in all lookups",
    marbles((m) => {
      const first = trusting(m);
      first.publish("ab", { a: BOBS, b: BOBS_NEW });
      m.expectObservable(first.fetch(BOB), "^---").toBe("(b|)", unchanged);
      m.expectObservable(first.fetch(BOB), "-^--").toBe("-(b|)", other);
      m.expectObservable(first.get(BOB), "  --^-").toBe("--(b|)", other);
      m.expectObservable(first.known(BOB), "--^-").toBe("--(b|)", other);
      m.expectObservable(trustingAgain(m, first).get(BOB), "---^").toBe("---(b|)", other);
    }),
  );

  it(
    "stays pinned while it is removed, and after its user has left",
    marbles((m) => {
      const { publish, fetch } = trusting(m, { sync$: m.hot("--x", { x: left(BOB) }) });
      publish("ab-cd", { a: BOBS, b: listOf(BOB, signed(BOB, "B1", { by: "bobS" })), c: BOBS_NEW, d: BOBS });
      m.expectObservable(fetch(BOB), "^----").toBe("(b|)", unchanged);
      m.expectObservable(fetch(BOB), "-^---").toBe("-(b|)", { b: ["bob B1:s removed current"] });
      m.expectObservable(fetch(BOB), "---^-").toBe("---(b|)", { b: ["bob B1:sx changed untracked"] });
      m.expectObservable(fetch(BOB), "----^").toBe("----(b|)", { b: ["bob B1:sx unchanged untracked"] });
    }),
  );

  it(
    "is pinned by an answer that was superseded and not cached",
    marbles((m) => {
      const { publish, fetch } = trusting(m, { sync$: m.hot("-x", { x: changed(BOB) }), answerAfter: 2 });
      publish("a-b", { a: BOBS, b: BOBS_NEW });
      m.expectObservable(fetch(BOB), "^--").toBe("--(b|)", { b: ["bob B1:sx unchanged superseded"] });
      m.expectObservable(fetch(BOB), "--^").toBe("----(b|)", other);
    }),
  );
});
