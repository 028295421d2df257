import { describe, expect, it } from "vitest";
import { nextTask } from "../../src/ed25519/next-task.js";

describe("nextTask", () => {
  it("lets everything go first that waits for resolved promises, which is not yet what lets a page go on", async () => {
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

  it("lets timers and immediates go between one and the next", async () => {
    const seen: string[] = [];
    setTimeout(() => seen.push("timer"), 0);
    setImmediate(() => seen.push("immediate"));
    for (let i = 0; i < 100_000 && seen.length < 2; i++) await nextTask();
    expect(seen.sort()).toEqual(["immediate", "timer"]);
  });
});
