import { describe, it } from "vitest";
import { detached } from "../../src/tracker/detached.js";
import { marbles } from "../support/marbles.js";

describe("a detached Observable", () => {
  it(
    "does what its source does, once for each subscription",
    marbles((m) => {
      const source$ = m.cold("-a-(b|)");
      const detached$ = detached(source$);
      m.expectObservable(detached$, "^").toBe("-a-(b|)");
      m.expectObservable(detached$, "--^").toBe("---a-(b|)");
      m.expectSubscriptions(source$.subscriptions).toBe(["^--!", "--^--!"]);
    }),
  );

  it(
    "goes on when it is unsubscribed",
    marbles((m) => {
      const source$ = m.cold("---#");
      m.expectObservable(detached(source$), "^-!").toBe("--");
      m.expectSubscriptions(source$.subscriptions).toBe("^--!");
    }),
  );
});
