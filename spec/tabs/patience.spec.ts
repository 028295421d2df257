import { describe, expect, it } from "vitest";
import { Patience } from "../../src/tabs/patience.js";

describe("Patience", () => {
  const clock = { at: 0, now: () => clock.at };
  const deposedAt = (...times: number[]) => {
    const patience = new Patience(clock);
    for (const time of times) {
      clock.at = time;
      patience.deposed();
    }
    return patience;
  };

  it("starts at a second and doubles with each deposition, up to 32 s", () => {
    const times = [0, 50, 100, 150, 200, 250, 300].map((s) => s * 1_000);
    const after = times.map((_, i) => deposedAt(...times.slice(0, i)).ms);
    expect(after).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000]);
  });

  it("is back at a second after a minute without a deposition", () => {
    const patience = deposedAt(0, 10_000);
    clock.at = 70_000;
    expect(patience.ms).toBe(4_000);
    clock.at = 70_001;
    expect(patience.ms).toBe(1_000);
    patience.deposed();
    expect(patience.ms).toBe(2_000);
  });
});
