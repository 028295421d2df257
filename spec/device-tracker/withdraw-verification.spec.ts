import { filter, map } from "rxjs";
import { describe, it } from "vitest";
import { marbles, type Marbles } from "../support/marbles.js";
import { identityOf, keyOf, listOf, together } from "../support/signed.js";
import { trusting, trustingAgain, type Trusting } from "../support/trusting.js";
import { ALICE, BOB } from "../support/users.js";

const OWN = together(listOf(ALICE), identityOf(ALICE, "alice", { own: true }));
const BOBS = together(listOf(BOB), identityOf(BOB, "bob"));
const BOBS_VERIFIED = together(listOf(BOB), identityOf(BOB, "bob", { ours: { userId: ALICE, name: "aliceU" } }));

/** Whether Bob is and was verified, of the list that is known. */
const marks = ({ tracker }: Pick<Trusting, "tracker">) =>
  tracker.getKnownDeviceKeys([BOB]).pipe(
    map((users) => users.get(BOB)?.identity),
    filter((identity) => identity !== undefined),
    map(({ verified, wasVerified }) => `${verified} ${wasVerified}`),
  );

/** Bob was verified at frame 0, and from frame 1 on the server withholds our signature. */
function withheld(m: Marbles) {
  const under = trusting(m, { ownMasterKey: keyOf("aliceM") });
  under.publish("ab", { a: together(OWN, BOBS_VERIFIED), b: BOBS });
  m.expectObservable(under.get(ALICE, BOB), "^").toBe("(x|)", {
    x: ["alice unchanged current", "bob unchanged+verified current"],
  });
  m.expectObservable(under.fetch(BOB), "-^").toBe("-(x|)", { x: ["bob unchanged current"] });
  return under;
}

describe("a verification that the server withholds", () => {
  it(
    "is remembered until it is withdrawn, also after a restart",
    marbles((m) => {
      const first = withheld(m);
      m.expectObservable(marks(first), "--^").toBe("--(x|)", { x: "false true" });
      m.expectObservable(marks(trustingAgain(m, first)), "---^").toBe("---(x|)", { x: "false true" });
      m.expectObservable(first.tracker.withdrawVerification(BOB), "----^").toBe("----|");
      m.expectObservable(marks(first), "-----^").toBe("-----(x|)", { x: "false false" });
      m.expectObservable(marks(trustingAgain(m, first)), "------^").toBe("------(x|)", { x: "false false" });
      m.expectObservable(first.fetch(BOB), "-------^").toBe("-------(x|)", { x: ["bob unchanged current"] });
      m.expectObservable(marks(first), "--------^").toBe("--------(x|)", { x: "false false" });
    }),
  );

  it(
    "is withdrawn in other tabs as well",
    marbles((m) => {
      const first = withheld(m);
      const second = trustingAgain(m, first);
      m.expectObservable(marks(second), "--^").toBe("--(x|)", { x: "false true" });
      m.expectObservable(first.tracker.withdrawVerification(BOB), "---^").toBe("---|");
      m.expectObservable(marks(second), "----^").toBe("----(x|)", { x: "false false" });
    }),
  );

  it(
    "is not withdrawn if the store fails",
    marbles((m) => {
      const under = withheld(m);
      m.acts("--f", { f: () => under.store.failNext("full", "update") });
      m.expectObservable(under.tracker.withdrawVerification(BOB), "---^").toBe("---#", undefined, "full");
      m.expectObservable(marks(under), "----^").toBe("----(x|)", { x: "false true" });
    }),
  );
});
