import { describe, expect, it } from "vitest";
import type { SignatureCheck } from "../../src/trust/signature-verifier.js";
import { ScriptedVerifier } from "../../src/testing/scripted-verifier.js";
import { marbles } from "../support/marbles.js";

const check = (first: number): SignatureCheck => ({
  publicKey: new Uint8Array(32),
  message: new Uint8Array(),
  signature: new Uint8Array(64).fill(first, 0, 1),
});

describe("ScriptedVerifier", () => {
  it(
    "finds every signature valid, synchronously by default",
    marbles(({ expectObservable, scheduler }) => {
      const verifier = new ScriptedVerifier({ scheduler });
      expectObservable(verifier.verify([check(1), check(2)])).toBe("(x|)", { x: [true, true] });
      expectObservable(verifier.verify([])).toBe("(x|)", { x: [] });
    }),
  );

  it(
    "finds forged signatures invalid, as of the time of its answer",
    marbles(({ expectObservable, scheduler, acts }) => {
      const verifier = new ScriptedVerifier({ scheduler });
      verifier.forged.add(2);
      expectObservable(verifier.verify([check(1), check(2)]), "^").toBe("(x|)", { x: [true, false] });
      acts("-f", { f: () => verifier.forged.add(1) });
      expectObservable(verifier.verify([check(1), check(2)]), "--^").toBe("--(x|)", { x: [false, false] });
    }),
  );

  it(
    "takes a time, for each call separately",
    marbles(({ expectObservable, scheduler, acts }) => {
      const verifier = new ScriptedVerifier({ scheduler, takes: 3 });
      const verified$ = verifier.verify([check(1)]);
      expectObservable(verified$, "^------").toBe("---(x|)", { x: [true] });
      expectObservable(verified$, "-^-----").toBe("----(x|)", { x: [true] });
      acts("--t", { t: () => (verifier.takes = 0) });
      expectObservable(verified$, "---^").toBe("---(x|)", { x: [true] });
    }),
  );

  it(
    "fails the next calls, each at the time of its answer",
    marbles(({ expectObservable, scheduler }) => {
      const verifier = new ScriptedVerifier({ scheduler, takes: 2 });
      verifier.failNext("no ed25519");
      verifier.failNext("nor now");
      expectObservable(verifier.verify([check(1)]), "^").toBe("--#", undefined, "no ed25519");
      expectObservable(verifier.verify([check(1)]), "-^").toBe("---#", undefined, "nor now");
      expectObservable(verifier.verify([check(1)]), "--^").toBe("----(x|)", { x: [true] });
    }),
  );

  it(
    "records what it was to verify at each subscription",
    marbles(({ scheduler }) => {
      const verifier = new ScriptedVerifier({ scheduler });
      const verified$ = verifier.verify([check(1), check(2)]);
      expect(verifier.asked).toEqual([]);
      verified$.subscribe();
      verifier.verify([check(3)]).subscribe();
      expect(verifier.asked.map(({ signature: [first] }) => first)).toEqual([1, 2, 3]);
    }),
  );
});
