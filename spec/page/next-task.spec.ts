import { describe, expect, it } from "vitest";
import { nextTask } from "../../src/page/next-task.js";

describe("nextTask", () => {
  it("resolves after all pending microtasks", async () => {
    let steps = 0;
    const chain = async () => {
      for (let i = 0; i < 10_000; i++) {
        await Promise.resolve();
        steps++;
      }
    };
    void chain();
    await nextTask();
    expect(steps).toBe(10_000);
  });

  it("lets timers and immediates run between two tasks", async () => {
    const seen: string[] = [];
    setTimeout(() => seen.push("timer"), 0);
    setImmediate(() => seen.push("immediate"));
    for (let i = 0; i < 100_000 && seen.length < 2; i++) await nextTask();
    expect(seen.sort()).toEqual(["immediate", "timer"]);
  });
});
