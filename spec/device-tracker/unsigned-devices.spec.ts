import { describe, it } from "vitest";
import { marbles } from "../support/marbles.js";
import { identityOf, listOf, signed, together } from "../support/signed.js";
import { trusting, trustingAgain } from "../support/trusting.js";
import { BOB } from "../support/users.js";

const BOBS = together(
  listOf(
    BOB,
    signed(BOB, "B1"),
    signed(BOB, "B2", { signed: false }),
    signed(BOB, "B3", { signed: false, by: "bobS" }),
  ),
  identityOf(BOB, "bob"),
);
const accepted = { b: ["bob B1:s B2: B3:x unchanged current"] };
const refused = { b: ["bob B1:s B3:x !B2:unsigned unchanged current"] };

describe("devices that neither they themselves nor their owner has signed", () => {
  it(
    "are accepted and marked by default",
    marbles((m) => {
      const { publish, get } = trusting(m);
      publish("a", { a: BOBS });
      m.expectObservable(get(BOB)).toBe("(b|)", accepted);
    }),
  );

  it(
    'are refused with unsignedDevices: "refuse", which costs other devices nothing',
    marbles((m) => {
      const { publish, get } = trusting(m, { unsignedDevices: "refuse" });
      publish("a", { a: BOBS });
      m.expectObservable(get(BOB)).toBe("(b|)", refused);
    }),
  );

  it(
    "are refused in saved lists as well: the user is queried again",
    marbles((m) => {
      const first = trusting(m);
      first.publish("a", { a: BOBS });
      m.expectObservable(first.get(BOB), "^-").toBe("(b|)", accepted);
      const { get, expectQueries } = trustingAgain(m, first, { unsignedDevices: "refuse" });
      m.expectObservable(get(BOB), "-^").toBe("-(b|)", refused);
      expectQueries("1-1 bob");
    }),
  );
});
