import { IDBFactory } from "fake-indexeddb";
import "fake-indexeddb/auto";
import { IndexedDBStore, MemoryStore } from "matrix-js-sdk";
import { firstValueFrom } from "rxjs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { SeenRequest } from "../http/loopback-server.js";
import { createTrackedClient, logOut, type TrackedClient } from "../../examples/matrix-js-sdk/tracked-client.js";
import { idbStore } from "../../src/idb/idb-store.js";
import { TrackerClosedError } from "../../src/model/errors.js";
import type { UserId } from "../../src/model/ids.js";
import type { KeysQueryResponse } from "../../src/model/wire.js";
import { FlakyStore } from "../support/flaky-store.js";
import { ALICE, BOB, CAROL, DAVE, EVE } from "../support/users.js";
import { JsSdkHomeserver, ROOM, usersIn } from "./js-sdk-homeserver.js";

const eventually = { timeout: 10_000, interval: 20 };
let homeserver: JsSdkHomeserver;
let session: TrackedClient;
let store: FlakyStore;

beforeEach(async () => {
  for (const method of ["debug", "info", "log", "warn", "error", "trace"] as const)
    vi.spyOn(console, method).mockImplementation(() => undefined); // the client is not quiet
  globalThis.indexedDB = new IDBFactory();
  homeserver = new JsSdkHomeserver(ALICE, BOB, DAVE);
  await homeserver.server.start();
  homeserver.logIn(BOB, "PHONE");
});
afterEach(async () => {
  stop(session);
  await homeserver.server.stop();
  vi.restoreAllMocks();
});

const deviceStore = () => new FlakyStore(idbStore(`devices/${ALICE}`));

const savedSync = () => new IndexedDBStore({ indexedDB, dbName: "js-sdk" });

async function start(syncStore: MemoryStore = savedSync()): Promise<void> {
  store = deviceStore();
  await syncStore.startup();
  const { url: baseUrl } = homeserver.server;
  const options = { baseUrl, userId: ALICE, deviceId: "ALICE_PC", accessToken: "token", store: syncStore };
  session = createTrackedClient(options, store);
  await session.client.initRustCrypto();
  await session.client.startClient();
  await expect.poll(() => homeserver.openPolls, eventually).toBe(1);
}

function stop({ client, tracker }: TrackedClient): void {
  client.stopClient();
  tracker.close();
}

/** The lists of a user that the client is given from now on. */
function listsGiven(userId: UserId): readonly string[] {
  const given: string[] = [];
  const { opts } = session.client.http;
  const { fetchFn = fetch } = opts;
  opts.fetchFn = async (resource, options) => {
    const response = await fetchFn(resource, options);
    const { device_keys } = (await response.clone().json()) as KeysQueryResponse;
    const list = device_keys?.[userId];
    if (list !== undefined) given.push(Object.keys(list).sort().join());
    return response;
  };
  return given;
}

/** The client has been given all that was announced. */
async function clientHasSynced(): Promise<void> {
  await expect.poll(() => homeserver.openPolls, eventually).toBe(1);
}

/** Holds the answers of queries that name Bob. Returns what releases the n-th one, once it has been sent. */
function holdQueries(): (n: number) => Promise<() => void> {
  const answers: (() => void)[] = [];
  homeserver.onKeysQuery = ({ body }, answer) => {
    if (usersIn(body).includes(BOB)) answers.push(answer);
    else answer();
  };
  return (n) => vi.waitUntil(() => answers[n], eventually);
}

async function devicesOf(userId: UserId): Promise<readonly string[]> {
  const users = await session.client.getCrypto()?.getUserDeviceInfo([userId]);
  return Array.from(users?.get(userId)?.keys() ?? []).sort();
}
const expectDevices = (userId: UserId, ...devices: readonly string[]) =>
  expect.poll(() => devicesOf(userId), eventually).toEqual(devices);

it("learns devices, a login and a log-out of another user through the tracker", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  await expectDevices(ALICE, "ALICE_PC");
  homeserver.logIn(BOB, "LAPTOP");
  await expectDevices(BOB, "LAPTOP", "PHONE");
  homeserver.logOut(BOB, "PHONE");
  await expectDevices(BOB, "LAPTOP");
  expect(homeserver.queryAgents).toEqual(["axios"]);
  expect(homeserver.mostPolls).toBe(1);
});

it("learns of the devices of a user who was away", async () => {
  await start();
  homeserver.logIn(BOB, "LAPTOP");
  await expectDevices(BOB, "LAPTOP", "PHONE");
  homeserver.announce(BOB, "left");
  await clientHasSynced();
  const queried = async () => Object.keys((await session.client.downloadKeysForUsers([BOB])).device_keys[BOB] ?? {});
  expect(await queried()).toHaveLength(2);
  homeserver.logIn(BOB, "TABLET", "unseen");
  expect(await queried()).toHaveLength(3);
  homeserver.announce(BOB);
  await expectDevices(BOB, "LAPTOP", "PHONE", "TABLET");
});

it("learns of an identity reset through the tracker", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  const needsApproval = async () => {
    const status = await session.client.getCrypto()?.getUserVerificationStatus(BOB);
    return status?.needsUserApproval;
  };
  expect(await needsApproval()).toBe(false);
  homeserver.resetIdentity(BOB);
  await expect.poll(needsApproval, eventually).toBe(true);
  const known = await firstValueFrom(session.tracker.getKnownDeviceKeys([BOB]));
  expect(known.get(BOB)?.identity.state).toBe("changed");
  await expectDevices(BOB, "PHONE");
});

it("never gives the client a list that a change has overtaken", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  const given = listsGiven(BOB);
  const held = holdQueries();
  homeserver.logIn(BOB, "LAPTOP");
  const overtaken = await held(0);
  homeserver.logOut(BOB, "PHONE");
  await clientHasSynced();
  overtaken();
  (await held(1))();
  await expectDevices(BOB, "LAPTOP");
  expect([...new Set(given)]).toEqual(["LAPTOP"]); // twice: the client asks again after the change
});

it("is not given a list from before a change, even if the tracker has it", async () => {
  await start();
  homeserver.logIn(BOB, "LAPTOP");
  await expectDevices(BOB, "LAPTOP", "PHONE");
  const freshness: unknown[] = [];
  const watched = session.tracker
    .watchDeviceKeys([BOB])
    .subscribe((users) => freshness.push(users.get(BOB)?.freshness));
  await expect.poll(() => freshness.at(-1), eventually).toBe("current");
  homeserver.logOut(BOB, "PHONE");
  await expectDevices(BOB, "LAPTOP");
  watched.unsubscribe();
});

it("leaves a user out if each lookup is overtaken", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  homeserver.onKeysQuery = (_, answer) => {
    homeserver.logIn(CAROL, "PHONE");
    void clientHasSynced().then(answer);
  };
  const { device_keys, failures } = await session.client.downloadKeysForUsers([CAROL]);
  expect({ device_keys, failures }).toEqual({ device_keys: {}, failures: {} });
  expect(homeserver.queriesOf(CAROL)).toBe(3);
});

it("learns of a change that it missed while it was not running", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  await session.client.store.save(true);
  stop(session);
  homeserver.logIn(BOB, "LAPTOP");
  await start();
  await expectDevices(BOB, "LAPTOP", "PHONE");
  expect(homeserver.queryAgents).toEqual(["axios"]);
  expect(homeserver.mostPolls).toBe(1);
});

it("learns of changes if its position is behind that of the tracker after a restart", async () => {
  await start();
  await session.client.store.save(true);
  homeserver.logIn(BOB, "LAPTOP");
  await expectDevices(BOB, "LAPTOP", "PHONE");
  stop(session);
  homeserver.logOut(BOB, "PHONE");
  await start();
  await expectDevices(BOB, "LAPTOP");
  expect(homeserver.sent("/keys/changes")).toHaveLength(1);
});

it("learns of changes if it begins with an initial sync again", async () => {
  await start(new MemoryStore());
  await expectDevices(BOB, "PHONE");
  homeserver.logIn(BOB, "LAPTOP");
  await expectDevices(BOB, "LAPTOP", "PHONE");
  homeserver.logIn(DAVE, "PHONE");
  await expectDevices(DAVE, "PHONE");
  homeserver.logIn(ALICE, "PHONE"); // once it knows this, it has no more questions
  await expectDevices(ALICE, "ALICE_PC", "PHONE");
  stop(session);
  const before = homeserver.queriesOf(DAVE);
  homeserver.logOut(BOB, "PHONE");
  await start(new MemoryStore());
  await expectDevices(BOB, "LAPTOP");
  await expectDevices(DAVE, "PHONE");
  expect(homeserver.queriesOf(DAVE)).toBe(before);
});

it("learns of a change that only the client had saved before a crash", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  homeserver.logIn(BOB, "LAPTOP"); // from now on the tracker has Bob's list
  await expectDevices(BOB, "LAPTOP", "PHONE");
  holdQueries();
  store.fails = "to write";
  homeserver.logIn(BOB, "TABLET");
  await clientHasSynced();
  await session.client.store.save(true);
  stop(session);
  homeserver.onKeysQuery = undefined;
  homeserver.holdsPolls = true;
  await start();
  await vi.waitUntil(() => session.client.getRoom(ROOM), eventually);
  await session.client.sendTextMessage(ROOM, "before the first response");
  expect(homeserver.messaged(BOB)).toEqual(["LAPTOP", "PHONE", "TABLET"]);
  homeserver.endPolls();
  await clientHasSynced();
  await expectDevices(BOB, "LAPTOP", "PHONE", "TABLET");
});

it("queries our own user again whenever the client does", async () => {
  await start();
  await expectDevices(ALICE, "ALICE_PC");
  await expectDevices(BOB, "PHONE");
  const before = homeserver.queriesOf(ALICE);
  await session.client.getCrypto()?.userHasCrossSigningKeys();
  expect(homeserver.queriesOf(ALICE)).toBeGreaterThan(before);
});

it("answers from the cache of the tracker", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  homeserver.logIn(BOB, "LAPTOP");
  await expectDevices(BOB, "LAPTOP", "PHONE");
  const before = homeserver.queriesOf(BOB);
  const { device_keys } = await session.client.downloadKeysForUsers([BOB]);
  expect(Object.keys(device_keys[BOB] ?? {}).sort()).toEqual(["LAPTOP", "PHONE"]);
  expect(homeserver.queriesOf(BOB)).toBe(before);
});

it("passes refusals and unreachable servers to the client", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  const { device_keys, failures } = await session.client.downloadKeysForUsers([EVE]);
  expect({ device_keys, failures }).toEqual({ device_keys: {}, failures: { "down.example": {} } });
  homeserver.onKeysQuery = (request) => {
    request.answer(403, { errcode: "M_FORBIDDEN", error: "not you" });
  };
  await expect(session.client.downloadKeysForUsers([CAROL])).rejects.toMatchObject({
    errcode: "M_FORBIDDEN",
    httpStatus: 403,
    data: { error: "not you" },
  });
});

it("aborts a query with the request of the client", async () => {
  await start();
  await expectDevices(BOB, "PHONE");
  let query: SeenRequest | undefined;
  homeserver.onKeysQuery = (request) => {
    query = request;
  };
  const downloaded = session.client.downloadKeysForUsers([CAROL]);
  const refused = expect(downloaded).rejects.toMatchObject({ name: "AbortError" });
  await vi.waitUntil(() => query, eventually);
  session.client.http.abort();
  await refused;
  await expect.poll(() => query?.aborted, eventually).toBe(true);
});

it.each([200, 500])("leaves nothing after a log-out that is answered with %i", async (status) => {
  await start();
  await expectDevices(BOB, "PHONE");
  homeserver.logOutStatus = status;
  await (status === 200 ? logOut(session) : expect(logOut(session)).rejects.toMatchObject({ httpStatus: 500 }));
  expect(homeserver.sent("/logout")).toHaveLength(1);
  await expect.poll(() => homeserver.openPolls, eventually).toBe(0);
  await expect(firstValueFrom(session.tracker.getDeviceKeys([BOB]))).rejects.toThrow(TrackerClosedError);
  expect(await firstValueFrom(deviceStore().syncToken$)).toBeUndefined();
  expect((await indexedDB.databases()).map(({ name }) => name)).toEqual([`devices/${ALICE}`]);
  const sent = homeserver.server.requests.length;
  await new Promise((passed) => setTimeout(passed, 200));
  expect(homeserver.server.requests).toHaveLength(sent);
});
