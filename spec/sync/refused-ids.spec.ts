import { describe, expect, it } from "vitest";
import { refusedIds } from "../../src/sync/refused-ids.js";

describe("strings that are not user IDs", () => {
  it("are reported, with where they came from", () => {
    expect(refusedIds("track", ["nobody", "@x"])).toMatchObject({
      type: "user-ids-refused",
      source: "track",
      userIds: ["nobody", "@x"],
      count: 2,
    });
  });

  it("are not reported if there are none", () => {
    expect(refusedIds("device_lists", [])).toBeUndefined();
  });

  it("are counted, and only the first ten listed", () => {
    const report = refusedIds(
      "keys_changes",
      Array.from({ length: 1_000 }, (_, i) => `nobody ${i}`),
    );
    expect(report?.count).toBe(1_000);
    expect(report?.userIds).toHaveLength(10);
  });

  it("are cut short: a report must not be as long as a server wants", () => {
    const report = refusedIds("device_lists", ["x".repeat(1_000_000)]);
    expect(report?.userIds).toEqual([`${"x".repeat(80)}…`]);
    expect(report?.message.length).toBeLessThan(300);
  });
});
