import { config } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RecordKey } from "../../src/store/device-store.js";
import { GARBAGE, SHAPES } from "./garbage.js";
import { allRecords, overwrite } from "./raw-database.js";
import { BOB, CAROL, settledTracker, trackerOn } from "./tracker-on.js";

const KEYS = new Map<string, RecordKey>([
  ["the head", ["account", "sync"]],
  ["the log", ["log", "1"]],
  ["a list", ["list", BOB]],
]);

describe("records damaged under a running tracker", () => {
  let database: string;
  let unhandled: unknown[];
  beforeEach(() => {
    database = crypto.randomUUID();
    unhandled = [];
    config.onUnhandledError = (error: unknown) => void unhandled.push(error);
  });
  afterEach(() => {
    config.onUnhandledError = null;
    expect(unhandled).toEqual([]);
  });

  describe.each([...KEYS])("of %s", (_, key) => {
    it.each(SHAPES)("(%s) never make an older list current, and are mended", async (shape) => {
      const { homeserver, lookUp, problemTypes, track, tracker } = await settledTracker(database);
      await overwrite(database, key, GARBAGE.get(shape));
      homeserver.addDevice(BOB, "LAPTOP");
      homeserver.step();
      for (let lookups = 0; lookups < 2; lookups++)
        expect((await lookUp(BOB))[0]).toMatch(/ (?:current|superseded|untracked) PHONE LAPTOP$/u);
      await track(BOB, CAROL);
      expect(await lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
      expect(problemTypes().filter((type) => type !== "records-damaged")).toEqual([]);
      tracker.close();

      const next = trackerOn(database, homeserver);
      expect(await next.lookUp(BOB)).not.toEqual([`${BOB} current PHONE`]);
      await next.track(BOB, CAROL);
      expect(await next.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
      next.tracker.close();

      const last = trackerOn(database, homeserver);
      const { length } = homeserver.queries;
      expect(await last.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
      expect(homeserver.queries).toHaveLength(length);
      expect(last.problems).toEqual([]);
    });
  });

  it.each(SHAPES)("of the owner (%s) count as cleared: nothing more is written", async (shape) => {
    const { homeserver, reports, problemTypes } = await settledTracker(database);
    await overwrite(database, ["account", "owner"], GARBAGE.get(shape));
    const before = await allRecords(database);
    homeserver.addDevice(BOB, "LAPTOP");
    homeserver.step();
    await reports("store-cleared");
    expect(problemTypes()).toEqual(["store-cleared"]);
    const after = await allRecords(database);
    expect([...after.keys()]).toEqual([...before.keys()]);
    expect(after.get("account/sync")).toEqual(before.get("account/sync"));
  });

  it("a head that is behind the log loses no change", async () => {
    const former = await settledTracker(database);
    const sync = (await allRecords(database)).get("account/sync") as object;
    former.homeserver.addDevice(BOB, "LAPTOP");
    await former.step();
    former.tracker.close();
    await overwrite(database, ["account", "sync"], sync); // as it was two transactions ago
    const next = trackerOn(database, former.homeserver);
    for (const device of ["WATCH", "DESKTOP"]) {
      next.homeserver.addDevice(BOB, device);
      await next.step();
      const started = trackerOn(database, former.homeserver);
      expect((await started.lookUp(BOB))[0]).toContain(device);
      started.tracker.close();
    }
  });
});
