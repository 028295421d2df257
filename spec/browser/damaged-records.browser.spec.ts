import { config, firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RecordKey } from "../../src/store/device-store.js";
import type { SnapshotRecord } from "../../src/store/records.js";
import { GARBAGE, SHAPES } from "./garbage.js";
import { overwrite } from "./raw-database.js";
import { compact } from "./snapshot-of.js";
import { ALICE, BOB, CAROL, settledTracker, trackerOn } from "./tracker-on.js";

/** The records of the chain. It is unknown who left in a damaged one, so no user but our own stays tracked. */
const CHAIN = new Map<string, RecordKey>([
  ["the owner", ["account", "owner"]],
  ["the head", ["account", "sync"]],
  ["the log", ["log", "1"]],
  ["the snapshot", ["snapshot", "0"]],
]);

/** What the log of a settled tracker folds into: revisions, and lists that are current (2) or missing (0). */
const SNAPSHOT: SnapshotRecord = [
  [ALICE, 0, 0],
  [BOB, 1, 2],
  [CAROL, 1, 2],
];

describe("damaged records, found at the start", () => {
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

  describe.each([...CHAIN])("of %s", (name, key) => {
    it.each(SHAPES)("(%s) untrack all users, are reported, and are mended", async (shape) => {
      const former = await settledTracker(database);
      former.connection.unsubscribe();
      if (name === "the snapshot") await compact(database, SNAPSHOT);
      await overwrite(database, key, GARBAGE.get(shape));

      const next = trackerOn(database, former.homeserver);
      expect(await firstValueFrom(next.tracker.trackedUsers$)).toEqual(new Set([ALICE]));
      expect(await next.lookUp(BOB)).toEqual([`${BOB} untracked PHONE`]);
      expect(next.problems).toMatchObject([{ type: "records-damaged", kind: key[0], ids: [key[1]] }]);
      await next.track(BOB, CAROL);
      expect(await next.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE`, `${CAROL} current TABLET`]);
      next.homeserver.addDevice(BOB, "LAPTOP");
      await next.step();
      expect(await next.lookUp(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
      next.connection.unsubscribe();

      const last = trackerOn(database, former.homeserver);
      const { length } = last.homeserver.queries;
      expect(await last.lookUp(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
      expect(last.homeserver.queries).toHaveLength(length);
      expect(last.problems).toEqual([]);
    });
  });

  it.each(SHAPES)("of a list (%s) cost one query, are reported, and are mended", async (shape) => {
    const former = await settledTracker(database);
    former.connection.unsubscribe();
    await overwrite(database, ["list", BOB], GARBAGE.get(shape));

    const next = trackerOn(database, former.homeserver);
    const { length } = next.homeserver.queries;
    expect(await next.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE`, `${CAROL} current TABLET`]);
    expect(next.homeserver.queries.slice(length).map(({ userIds }) => userIds)).toEqual([[BOB]]);
    expect(new Set(next.problemTypes())).toEqual(new Set(["records-damaged"]));
    next.connection.unsubscribe();

    const last = trackerOn(database, former.homeserver);
    expect(await last.lookUp(BOB, CAROL)).toEqual([`${BOB} current PHONE`, `${CAROL} current TABLET`]);
    expect(last.homeserver.queries).toHaveLength(length + 1);
    expect(last.problems).toEqual([]);
  });
});
