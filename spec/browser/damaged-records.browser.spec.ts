import { config, firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RecordKey } from "../../src/store/device-store.js";
import { attackedTracker, BOB, CAROL, settledTracker } from "./attacked-tracker.js";
import { allRecords, overwrite } from "./raw-database.js";

/** What no version would have saved under any of our keys. */
const garbage = new Map<string, unknown>([
  ["null", null],
  ["a negative number", -1],
  ["NaN", Number.NaN],
  ["a string", "garbage"],
  ["an array", [1, 2]],
  ["an empty object", {}],
  [
    "an object of wrong types",
    { userId: 1, format: "1", lifetime: null, revision: "1", steps: {}, token: 7, listed: [], list: "none" },
  ],
  ["numbers beyond all bounds", { userId: "@alice:example.org", revision: 2 ** 60, listed: Infinity, steps: [] }],
  [
    "half of it",
    {
      revision: 1,
      steps: [{ next: "s1" }],
      list: { deviceKeys: new Map() },
      listed: "1",
      userId: "@alice:example.org",
      format: 1,
    },
  ],
  ["a date", new Date(0)],
  ["a blob", new Blob(["garbage"])],
]);
const keys = new Map<string, RecordKey>([
  ["owner", ["account", "owner"]],
  ["sync", ["account", "sync"]],
  ["epoch", ["account", "epoch"]],
  ["state", ["state", BOB]],
  ["list", ["list", BOB]],
]);
const kinds = [...keys].map(([kind, key]) => [kind, key] as const);
const shapes = [...garbage.keys()];

describe("damaged records", () => {
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

  describe.each(kinds)("of the kind %s, found at the start", (kind, key) => {
    it.each(shapes)(
      "(%s) are told of, outdate what they stood for, and are right again at the next start",
      async (shape) => {
        const former = await settledTracker(database);
        former.connection.unsubscribe();
        await overwrite(database, key, garbage.get(shape));

        const next = attackedTracker(database, former.homeserver);
        const asked = next.homeserver.queries.length;
        const [bob] = await next.ask(BOB);
        expect(bob).toBe(kind === "owner" ? `${BOB} untracked PHONE` : `${BOB} current PHONE`); // a store that is nobody's begins anew
        expect(next.homeserver.queries.slice(asked).map(({ userIds }) => userIds)).toEqual([[BOB]]);
        expect(next.problems).toMatchObject([{ type: "records-damaged", kind: key[0], ids: [key[1]] }]);
        next.homeserver.addDevice(BOB, "LAPTOP");
        await next.step();
        expect(await next.ask(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
        // Without the token it is a gap to go on from where the homeserver is.
        expect(next.types()).toEqual(
          kind === "owner" || kind === "sync" ? ["records-damaged", "gap"] : ["records-damaged"],
        );
        next.connection.unsubscribe();

        const last = attackedTracker(database, former.homeserver);
        const before = last.homeserver.queries.length;
        expect(await last.ask(BOB)).toEqual([`${BOB} current PHONE LAPTOP`]);
        expect(last.homeserver.queries).toHaveLength(before);
        expect(last.problems).toEqual([]);
      },
    );
  });

  describe.each(kinds.filter(([kind]) => kind !== "owner"))("of the kind %s, under a running tracker", (_, key) => {
    it.each(shapes)(
      "(%s) never make an older list current, and are right again after a change and an answer or two",
      async (shape) => {
        const { homeserver, ask, step, types, tracker, connection } = await settledTracker(database);
        await overwrite(database, key, garbage.get(shape));
        homeserver.addDevice(BOB, "LAPTOP");
        await step();
        const answers = [await ask(BOB), await ask(BOB)].flat();
        for (const answer of answers)
          expect([`${BOB} superseded PHONE LAPTOP`, `${BOB} current PHONE LAPTOP`]).toContain(answer);
        expect(answers[1]).toBe(`${BOB} current PHONE LAPTOP`);
        expect(types().filter((type) => type !== "records-damaged")).toEqual([]);
        await firstValueFrom(tracker.getKnownDeviceKeys([BOB, CAROL]));
        connection.unsubscribe();

        const next = attackedTracker(database, homeserver);
        expect(await next.ask(BOB, CAROL)).toEqual([`${BOB} current PHONE LAPTOP`, `${CAROL} current TABLET`]);
        expect(next.problems).toEqual([]);
      },
    );
  });

  it.each(shapes)(
    "(%s) of the owner under a running tracker are as good as cleared: it is done, and writes nothing",
    async (shape) => {
      const { homeserver, tellsOf, types } = await settledTracker(database);
      await overwrite(database, ["account", "owner"], garbage.get(shape));
      const before = await allRecords(database);
      homeserver.addDevice(BOB, "LAPTOP");
      homeserver.step();
      await tellsOf("store-cleared");
      expect(types()).toEqual(["store-cleared"]);
      expect([...(await allRecords(database)).keys()]).toEqual([...before.keys()]);
      expect((await allRecords(database)).get("account/sync")).toEqual(before.get("account/sync"));
    },
  );

  it.each([
    ["the epoch is beyond the counter", ["account", "epoch"], 1_000],
    ["the counter is behind the states", ["account", "sync"], { token: "s2", revision: 0, steps: [] }],
  ] as const)("where %s, which none allotted, no change is lost", async (_, key, record) => {
    const former = await settledTracker(database);
    former.connection.unsubscribe();
    await overwrite(database, key, record);
    const next = attackedTracker(database, former.homeserver);
    await next.ask(BOB);
    await next.ask(BOB);
    for (const device of ["LAPTOP", "WATCH", "DESKTOP"]) {
      next.homeserver.addDevice(BOB, device);
      await next.step();
      const started = attackedTracker(database, former.homeserver);
      expect((await started.ask(BOB))[0]).toContain(device);
      started.connection.unsubscribe();
    }
  });
});
