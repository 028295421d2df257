import { afterAll, describe, it, vi } from "vitest";
import type * as batchSizes from "../../src/model/batch-sizes.js";
import { SEED } from "../support/seed.js";
import { playHistories } from "../support/play-histories.js";
import { collectUnhandledErrors } from "../support/unhandled-errors.js";
import { arbitraryHistory } from "./room-history.js";
import { RoomWorld } from "./room-world.js";

/** Nearly every history has several snapshots, and tabs that are too far behind to read the log. */
vi.mock("../../src/model/batch-sizes.js", async (original): Promise<Record<keyof typeof batchSizes, number>> => ({
  ...(await original<typeof batchSizes>()),
  USERS_PER_SNAPSHOT_RECORD: 2,
  MIN_LOG: 3,
  MAX_TAIL: 4,
  MAX_USERS_AT_ONCE: 2,
}));

/** Histories in all. `PROPERTY_RUNS=20000 npx vitest run --project node spec/rooms/random-rooms` takes minutes. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 400);

describe("recipients and session rotation in random room histories", () => {
  const takeUnhandled = collectUnhandledErrors();

  it.each([
    [1, 0.6],
    [2, 0.4],
  ])("of %d tabs on one store", { timeout: 60_000 + RUNS * 100 }, (tabs, share) => {
    playHistories(arbitraryHistory(tabs), RUNS * share, ({ setup, events }, isTraced) => {
      new RoomWorld(setup, takeUnhandled, isTraced).run({ setup, events });
    });
  });

  afterAll(() => {
    if (process.env.PROPERTY_RUNS !== undefined) console.log(`PROPERTY_SEED=${SEED}, ${RUNS} histories`);
  });
});
