import { throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { BY_DEVICE, BY_MASTER, BY_OWNER, identityOf, listOf, signed, signature, together } from "../support/signed.js";
import { FORGED, trusting, trustingAgain } from "../support/trusting.js";
import { BOB, CAROL } from "../support/users.js";

const B1 = listOf(BOB, signed(BOB, "B1"));
const withSignature = (text: string) =>
  listOf(BOB, { ...signed(BOB, "B1"), signatures: { [BOB]: { "ed25519:B1": text } } });
const unused = { verify: () => throwError(() => new Error("it should not be used")) };

describe("the verifier", () => {
  it(
    "is not used if nothing is signed",
    marbles((m) => {
      const { publish, get } = trusting(m, { verifier: unused });
      publish("a", { a: listOf(BOB, signed(BOB, "B1", { signed: false })) });
      m.expectObservable(get(BOB)).toBe("(b|)", { b: ["bob B1: none current"] });
    }),
  );

  it.each([
    ["too short", "short"],
    ["not base64", Buffer.alloc(64, 255).toString("base64url")],
  ])("is not used for a signature that is %s", (_, text) => {
    marbles((m) => {
      const { publish, get } = trusting(m, { verifier: unused });
      publish("a", { a: withSignature(text) });
      m.expectObservable(get(BOB)).toBe("(b|)", { b: ["bob !B1:invalid-signature none current"] });
    })();
  });

  it(
    "is called once for all users of a request, with each signature that matters",
    marbles((m) => {
      const { publish, get, verifier } = trusting(m);
      const bobs = listOf(BOB, signed(BOB, "B1", { by: "bobS" }), signed(BOB, "B2"));
      publish("a", { a: together(bobs, identityOf(BOB, "bob"), listOf(CAROL, signed(CAROL, "C1"))) });
      m.expectObservable(get(BOB, CAROL)).toBe("(x|)", {
        x: ["bob B1:sx B2:s unchanged current", "carol C1:s none current"],
      });
      m.afterwards(() => {
        const asked = verifier.asked.map(({ signature: [first] }) => first);
        expect(asked).toEqual([BY_MASTER, BY_DEVICE, BY_OWNER, BY_DEVICE, BY_DEVICE]);
      });
    }),
  );

  it(
    "decides for each user separately",
    marbles((m) => {
      const { publish, get } = trusting(m);
      const forged = { ...signed(CAROL, "C1"), signatures: { [CAROL]: { "ed25519:C1": signature(FORGED) } } };
      const carols = listOf(CAROL, forged, signed(CAROL, "C2"));
      publish("a", { a: together(listOf(BOB, signed(BOB, "B1"), signed(BOB, "B2")), carols) });
      m.expectObservable(get(CAROL, BOB)).toBe("(x|)", {
        x: ["carol C2:s !C1:invalid-signature none current", "bob B1:s B2:s none current"],
      });
    }),
  );

  it(
    "rules out a self-signing key that the master key has not signed",
    marbles((m) => {
      const { publish, get, verifier, problems$ } = trusting(m);
      publish("a", { a: together(listOf(BOB, signed(BOB, "B1", { by: "bobS" })), identityOf(BOB, "bob")) });
      verifier.forged.add(BY_MASTER);
      m.expectObservable(get(BOB)).toBe("(x|)", { x: ["bob B1:s unchanged current"] });
      m.expectObservable(problems$).toBe("p", { p: "answer-refused" });
    }),
  );
});

describe("a signature that is known", () => {
  it(
    "is not verified again for a device that is the same, or renamed",
    marbles((m) => {
      const { publish, fetch, verifier } = trusting(m);
      const more = listOf(BOB, signed(BOB, "B1", { name: "renamed" }), signed(BOB, "B2"));
      publish("ab", { a: B1, b: more });
      m.expectObservable(fetch(BOB), "^--").toBe("(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(fetch(BOB), "-^-").toBe("-(b|)", { b: ["bob B1:s B2:s none current"] });
      m.expectObservable(fetch(BOB), "--^").toBe("--(b|)", { b: ["bob B1:s B2:s none current"] });
      m.afterwards(() => {
        expect(verifier.asked).toHaveLength(2);
      });
    }),
  );

  it(
    "is verified again for a device that changed in what it covers",
    marbles((m) => {
      const { publish, fetch } = trusting(m);
      const other = signed(BOB, "B1", { algorithms: ["m.other"] });
      const signatures = { [BOB]: { "ed25519:B1": signature(FORGED) } };
      publish("ab", { a: B1, b: listOf(BOB, { ...other, signatures }) });
      m.expectObservable(fetch(BOB), "^-").toBe("(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(fetch(BOB), "-^").toBe("-(b|)", { b: ["bob B1:s !B1:invalid-signature none current"] });
    }),
  );

  it(
    "is not verified again after a restart",
    marbles((m) => {
      const first = trusting(m);
      first.publish("a", { a: together(B1, identityOf(BOB, "bob")) });
      m.expectObservable(first.get(BOB), "^-").toBe("(b|)", { b: ["bob B1:s unchanged current"] });
      const { fetch, verifier } = trustingAgain(m, first);
      m.expectObservable(fetch(BOB), "-^").toBe("-(b|)", { b: ["bob B1:s unchanged current"] });
      m.afterwards(() => {
        expect(verifier.asked).toEqual([]);
      });
    }),
  );

  it(
    "is that of its user: the same device ID of another one is verified",
    marbles((m) => {
      const { publish, get, verifier } = trusting(m);
      publish("a", { a: together(B1, listOf(CAROL, signed(CAROL, "B1"))) });
      m.expectObservable(get(BOB), "  ^-").toBe("(b|)", { b: ["bob B1:s none current"] });
      m.expectObservable(get(CAROL), "-^").toBe("-(b|)", { b: ["carol B1:s none current"] });
      m.afterwards(() => {
        expect(verifier.asked).toHaveLength(2);
      });
    }),
  );
});
