import { describe, expect, it } from "vitest";
import { isEvidence, isWeaker, strongest, type Evidence } from "../../src/trust/evidence.js";

const FROM_THE_WEAKEST: readonly Evidence[] = ["seen", "self-signed", "cross-signed", "acknowledged", "verified"];

describe("evidence", () => {
  it("is ranked", () => {
    FROM_THE_WEAKEST.forEach((one, i) => {
      FROM_THE_WEAKEST.forEach((other, j) => expect([one, other, isWeaker(one, other)]).toEqual([one, other, i < j]));
    });
  });

  it.each(FROM_THE_WEAKEST)("may be %s", (evidence) => {
    expect(isEvidence(evidence)).toBe(true);
  });

  it.each([undefined, null, "", "Verified", "trusted", 4, ["verified"]])("is never %j", (value) => {
    expect(isEvidence(value)).toBe(false);
  });

  it("of two is the stronger one, in any order; one that is not known is the weakest", () => {
    expect([strongest("seen", "verified"), strongest("verified", "seen")]).toEqual(["verified", "verified"]);
    expect([strongest(undefined, "seen"), strongest("seen", undefined)]).toEqual(["seen", "seen"]);
    expect(strongest(undefined, undefined)).toBeUndefined();
  });
});
