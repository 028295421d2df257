import { firstValueFrom } from "rxjs";
import { beforeEach, describe, expect, it } from "vitest";
import { StoreFormatError } from "../../src/index.js";
import { STORE_FORMAT } from "../../src/store/records.js";
import { trackerOn, BOB, CAROL, settledTracker } from "./tracker-on.js";
import { allRecords, overwrite } from "./raw-database.js";

describe("records of a newer version", () => {
  let database: string;
  let former: Awaited<ReturnType<typeof settledTracker>>;
  beforeEach(async () => {
    database = crypto.randomUUID();
    former = await settledTracker(database);
    former.tracker.close();
  });
  const record = async (key: string) => (await allRecords(database)).get(key) as object;

  it("of a newer format are refused and kept, and memory replaces them", async () => {
    await overwrite(database, ["account", "owner"], { ...(await record("account/owner")), format: STORE_FORMAT + 1 });
    await overwrite(database, ["account", "sync"], ["of another shape"]);
    const before = await allRecords(database);
    const { tracker, problems, homeserver, step, lookUp } = trackerOn(database, former.homeserver);
    homeserver.addDevice(BOB, "WATCH");
    await step();
    expect(await lookUp(BOB)).toEqual([`${BOB} current PHONE WATCH`]);
    homeserver.leave(BOB);
    await step();
    await firstValueFrom(tracker.getKnownDeviceKeys([CAROL]));
    expect(problems).toMatchObject([
      { type: "store-unavailable", error: expect.any(StoreFormatError) as unknown },
      { type: "gap", from: undefined, to: "s2", caughtUp: false }, // memory has no token
    ]);
    expect(await allRecords(database)).toEqual(before);
  });

  it("of unknown kinds are left alone", async () => {
    await overwrite(database, ["pin", BOB], { ed25519: "pinned" });
    await overwrite(database, ["account", "rooms"], new Map([["!room", 1]]));
    const { problems, homeserver, step, lookUp } = trackerOn(database, former.homeserver);
    homeserver.addDevice(BOB, "WATCH");
    await step();
    expect(await lookUp(BOB)).toEqual([`${BOB} current PHONE WATCH`]);
    homeserver.leave(BOB);
    await step();
    expect(await record("pin/@bob:example.org")).toEqual({ ed25519: "pinned" });
    expect(await record("account/rooms")).toEqual(new Map([["!room", 1]]));
    expect(problems).toEqual([]);
  });

  it("with unknown properties are trusted, and keep them", async () => {
    for (const key of [
      ["account", "owner"],
      ["account", "sync"],
      ["list", CAROL],
    ] as const) {
      await overwrite(database, key, { ...(await record(key.join("/"))), later: "kept" });
    }
    const { problems, homeserver, step, lookUp } = trackerOn(database, former.homeserver);
    expect(await lookUp(CAROL)).toEqual([`${CAROL} current TABLET`]);
    expect(homeserver.queries).toHaveLength(1); // the one before
    homeserver.addDevice(BOB, "WATCH");
    await step();
    for (const key of ["account/owner", "account/sync", `list/${CAROL}`])
      expect(await record(key)).toHaveProperty("later", "kept");
    expect(problems).toEqual([]);
  });
});
