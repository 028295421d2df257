import { describe, expect, it } from "vitest";
import { backoff, MAX_BACKOFF } from "../../src/http/backoff.js";

describe("backoff", () => {
  it("grows from 1 s to a minute", () => {
    const shortest = [1, 2, 3, 4, 5, 6, 7].map((attempt) => backoff(attempt, 0));
    expect(shortest).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(backoff(7, 0.999_999)).toBe(MAX_BACKOFF);
  });

  it("makes half of each wait random", () => {
    expect([0, 0.25, 0.5, 0.75].map((random) => backoff(3, random))).toEqual([4_000, 5_000, 6_000, 7_000]);
  });

  it("never exceeds a minute", () => {
    for (const attempt of [10, 1_000, 100_000]) expect(backoff(attempt, 0.999_999)).toBeLessThanOrEqual(MAX_BACKOFF);
  });
});
