import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { identityOf, keyOf, listOf, together } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { ALICE } from "../support/users.js";

const own = (name: string) => together(listOf(ALICE), identityOf(ALICE, name, { own: true }));
const state = (name: "unchanged" | "changed") => ({ x: [`alice ${name} current`] });

describe("confirmOwnIdentity", () => {
  it(
    "works before the first lookup: another identity is changed from the start",
    marbles((m) => {
      const first = trusting(m);
      first.publish("a-b", { a: own("invented"), b: own("alice") });
      m.expectObservable(first.tracker.confirmOwnIdentity(keyOf("aliceM")), "^").toBe("|");
      m.expectObservable(first.get(ALICE), "-^").toBe("-(x|)", state("changed"));
      m.expectObservable(first.fetch(ALICE), "--^").toBe("--(x|)", state("unchanged"));
      m.expectObservable(first.problems$).toBe("-p", { p: "own-identity-changed" });
    }),
  );

  it(
    "works after a wrong key was pinned, whether the server gives the true one or not",
    marbles((m) => {
      const first = trusting(m);
      first.publish("a---b", { a: own("invented"), b: own("alice") });
      m.expectObservable(first.get(ALICE), "^").toBe("(x|)", state("unchanged"));
      m.expectObservable(first.tracker.confirmOwnIdentity(keyOf("aliceM")), "-^").toBe("-|");
      m.expectObservable(first.get(ALICE), "--^").toBe("--(x|)", state("changed"));
      m.expectObservable(trustingAgain(m, first).get(ALICE), "---^").toBe("---(x|)", state("changed"));
      m.expectObservable(first.fetch(ALICE), "----^").toBe("----(x|)", state("unchanged"));
    }),
  );

  it(
    "is cold, and completes when it is durable",
    marbles((m) => {
      const { tracker, store } = trusting(m);
      const confirmed$ = tracker.confirmOwnIdentity(keyOf("aliceM"));
      m.acts("-t", { t: () => (store.takes = 3) });
      m.expectObservable(confirmed$, "--^").toBe("-----|");
    }),
  );

  it(
    "fails as the store does, and changes nothing",
    marbles((m) => {
      const { tracker, store, publish, get } = trusting(m);
      publish("a", { a: own("invented") });
      m.expectObservable(get(ALICE), "^").toBe("(x|)", state("unchanged"));
      m.acts("-f", { f: () => store.failNext("full", "update") });
      m.expectObservable(tracker.confirmOwnIdentity(keyOf("aliceM")), "--^").toBe("--#", undefined, "full");
      m.expectObservable(get(ALICE), "---^").toBe("---(x|)", state("unchanged"));
    }),
  );

  it(
    "throws if it is given a string that is not a key, as does the option",
    marbles((m) => {
      const { tracker } = trusting(m);
      expect(() => tracker.confirmOwnIdentity("aliceM")).toThrow(TypeError);
      expect(() => trusting(m, { ownMasterKey: "aliceM" })).toThrow(TypeError);
    }),
  );
});
