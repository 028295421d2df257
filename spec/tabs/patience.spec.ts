import { describe, expect, it } from "vitest";
import { afterDeposing, patient, patienceAt } from "../../src/tabs/patience.js";

describe("patience", () => {
  it("is a second, and twice as long after each deposition within a minute of the one before", () => {
    let patience = patient;
    const after: number[] = [patienceAt(patience, 0)];
    for (let n = 1; n <= 7; n++) {
      patience = afterDeposing(patience, n * 50_000);
      after.push(patienceAt(patience, n * 50_000));
    }
    expect(after).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000, 32_000]);
  });

  it("is a second again after a minute without one", () => {
    const patience = afterDeposing(afterDeposing(patient, 0), 10_000);
    expect(patienceAt(patience, 70_000)).toBe(4_000);
    expect(patienceAt(patience, 70_001)).toBe(1_000);
    expect(afterDeposing(patience, 70_001).ms).toBe(2_000);
  });
});
