import { config } from "rxjs";
import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { FOUND_HISTORIES } from "./found-histories.js";
import { World } from "./world.js";

const SETUP = { tabs: 1, storeTakes: 0, maxUsersPerQuery: 250, maxConcurrentQueries: 3, maxListsInMemory: 10_000, settled: true, asksInsideChanges: false } as const;

describe("every promise holds where", () => {
  let unhandled: unknown[] = [];
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout"] }); // RxJS reports errors that nobody handles from one
    config.onUnhandledError = (error: unknown) => void unhandled.push(error);
  });
  afterEach(() => {
    config.onUnhandledError = null;
    vi.useRealTimers();
  });

  it.each(FOUND_HISTORIES)("$title", ({ setup, commands }) => {
    const takeUnhandled = () => {
      vi.runAllTimers();
      const taken = unhandled;
      unhandled = [];
      return taken;
    };
    new World({ ...SETUP, ...setup }, takeUnhandled).run(commands);
  });
});
