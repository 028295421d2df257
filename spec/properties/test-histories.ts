import { it } from "vitest";
import { playHistories } from "../support/play-histories.js";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";
import { arbitraryHistory } from "./history.js";
import { World } from "./world.js";

/** Plays so many random histories in all, of up to three trackers. To be called from inside a suite. */
export function testHistories(runs: number): void {
  const takeUnhandled = collectUnhandledErrors();

  it.each([
    [1, 0.5],
    [2, 0.3],
    [3, 0.2],
  ])("of %d trackers on one store", { timeout: 60_000 + runs * 100 }, (tabs, share) => {
    playHistories(arbitraryHistory(tabs), runs * share, ({ setup, events }, isTraced) => {
      new World(setup, takeUnhandled, isTraced).run({ setup, events });
    });
  });
}
