import { firstValueFrom } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import { StoreFormatError } from "../../src/index.js";
import { attackedTracker, BOB, CAROL, settledTracker } from "./attacked-tracker.js";
import { allRecords, overwrite } from "./raw-database.js";

describe("records of a newer version", () => {
  let database: string;
  beforeEach(async () => {
    database = crypto.randomUUID();
    (await settledTracker(database)).connection.unsubscribe();
  });
  const record = async (key: string) => (await allRecords(database)).get(key) as object;

  it("are refused where their format is newer: told, nothing of them lost, and memory stands in", async () => {
    await overwrite(database, ["account", "owner"], { ...(await record("account/owner")), format: 2 });
    await overwrite(database, ["account", "sync"], ["of another shape"]);
    const before = await allRecords(database);
    const { tracker, problems, homeserver, step, ask } = attackedTracker(database);
    homeserver.addDevice(BOB, "WATCH");
    await step();
    expect(await ask(BOB)).toEqual([`${BOB} current WATCH`]);
    homeserver.leave(BOB);
    await step();
    await firstValueFrom(tracker.getKnownDeviceKeys([CAROL]));
    expect(problems).toMatchObject([{ type: "store-unavailable", error: expect.any(StoreFormatError) as unknown }]);
    expect(await allRecords(database)).toEqual(before);
  });

  it("of kinds that we do not know are left alone", async () => {
    await overwrite(database, ["pin", BOB], { ed25519: "pinned" });
    await overwrite(database, ["account", "rooms"], new Map([["!room", 1]]));
    const { problems, homeserver, step, ask } = attackedTracker(database);
    homeserver.addDevice(BOB, "WATCH");
    await step();
    expect(await ask(BOB)).toEqual([`${BOB} current WATCH`]);
    homeserver.leave(BOB);
    await step();
    expect(await record("pin/@bob:example.org")).toEqual({ ed25519: "pinned" });
    expect(await record("account/rooms")).toEqual(new Map([["!room", 1]]));
    expect(problems).toEqual([]);
  });

  it("with properties that we do not know are trusted, and those of the owner and the token outlast our writes", async () => {
    for (const key of [
      ["account", "owner"],
      ["account", "sync"],
      ["state", CAROL],
      ["list", CAROL],
    ] as const) {
      await overwrite(database, key, { ...(await record(key.join("/"))), later: "kept" });
    }
    const { problems, homeserver, step, ask } = attackedTracker(database);
    expect(await ask(CAROL)).toEqual([`${CAROL} current TABLET`]);
    expect(homeserver.queries).toEqual([]);
    homeserver.addDevice(BOB, "WATCH");
    await step();
    for (const key of ["account/owner", `state/${CAROL}`, `list/${CAROL}`])
      expect(await record(key)).toHaveProperty("later", "kept");
    expect(problems).toEqual([]);
  });
});
