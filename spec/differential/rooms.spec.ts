import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Random } from "../support/random.js";
import { SEED } from "../support/seed.js";
import { documentedClasses } from "./documented-classes.js";
import { makeKeyPairs } from "./key-pair.js";
import { arbitraryEvents, type RoomEvent } from "./room-events.js";
import { runRoomHistory, SharingTally } from "./run-room-history.js";
import { SAME_ON_BOTH_SIDES, SHARING_EXAMPLES } from "./sharing-examples.js";
import { SHARING_EXPLANATIONS } from "./sharing-explained.js";
import { loadTheirs } from "./their-verdict.js";

/** Histories to compare. `PROPERTY_RUNS=1000 npx vitest run --project node spec/differential/rooms` takes minutes. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 40);
const CLASSES = [...new Set(SHARING_EXPLANATIONS.map(({ name }) => name))];

describe("which devices get a message, compared with matrix-sdk-crypto", () => {
  const pairs = [0, 1].flatMap((seed) => makeKeyPairs(new Random(seed)));
  beforeAll(loadTheirs);
  beforeAll(() => {
    vi.useFakeTimers({ toFake: ["Date"] }); // what both sides read as the time
  });
  afterAll(() => {
    vi.useRealTimers();
  });

  async function tallyOf(events: readonly RoomEvent[]): Promise<SharingTally> {
    const tally = new SharingTally();
    expect(await runRoomHistory(events, pairs, tally)).toEqual([]);
    return tally;
  }

  it("is the same in random histories, or differs as documented", { timeout: 60_000 + RUNS * 2_000 }, async () => {
    const tally = new SharingTally();
    const property = fc.asyncProperty(arbitraryEvents, async (events) => {
      expect(await runRoomHistory(events, pairs, tally)).toEqual([]);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
    console.info(`seed ${SEED}: ${String(tally)}`);
  });

  it.each(CLASSES)("differs by %s in an example", async (name) => {
    const { explained } = await tallyOf(SHARING_EXAMPLES[name] ?? []);
    expect([...explained.keys()]).toContain(name);
  });

  it.each(SAME_ON_BOTH_SIDES)("is the same if %s", async (_, events) => {
    const { explained } = await tallyOf(events);
    expect([...explained.keys()]).toEqual([]);
  });

  it("differs only by documented classes, and by all of them", () => {
    expect(documentedClasses("rooms")).toEqual([...CLASSES].sort());
  });
});
