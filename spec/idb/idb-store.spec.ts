import { forceCloseDatabase, IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { lastValueFrom, NEVER, of } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { idbStore } from "../../src/idb/idb-store.js";
import { DeviceTracker } from "../../src/device-tracker.js";
import { fakePage } from "../page/fake-page.js";
import { keysApiOf } from "../support/keys-api-of.js";
import { ALICE, BOB } from "../support/users.js";
import { announcementsBehaviour } from "./announcements-behaviour.js";
import { atomicityBehaviour } from "./atomicity-behaviour.js";
import { databaseBehaviour } from "./database-behaviour.js";
import { alice, announce, bob, failureOf, put, records } from "./fixture.js";
import { requestsBehaviour } from "./requests-behaviour.js";
import { sleepBehaviour } from "./sleep-behaviour.js";
import { spyOnIndexedDB } from "./spy-on-indexeddb.js";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  globalThis.IDBKeyRange = IDBKeyRange;
});

databaseBehaviour("on fake-indexeddb");
atomicityBehaviour("on fake-indexeddb");
announcementsBehaviour("on fake-indexeddb");
sleepBehaviour("on fake-indexeddb", fakePage);
requestsBehaviour("on fake-indexeddb");

describe("idbStore, if the browser", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("has deleted the database, leaves the owner unreadable, so that nobody takes it for a new one", async () => {
    const open = indexedDB.open.bind(indexedDB);
    vi.spyOn(indexedDB, "open").mockImplementation((...args) => {
      const request = open(...args);
      request.addEventListener("upgradeneeded", (event) => Object.assign(event, { dataLoss: "total" }));
      return request;
    });
    const store = idbStore("a");
    const problems: string[] = [];
    const tracker = new DeviceTracker({
      userId: ALICE,
      store,
      sync$: NEVER,
      keysApi: keysApiOf([of({ device_keys: {} })]),
    });
    tracker.problems$.subscribe(({ type, message }) => problems.push(`${type}: ${message}`));
    const users = await lastValueFrom(tracker.getDeviceKeys([BOB]));
    expect(problems).toEqual([expect.stringMatching(/^records-damaged: .*account.*call track\(\)/u)]);
    expect(users.get(BOB)?.identity.state).toBe("unknown");
    tracker.close();
  });

  it("closes the connection, opens another one for the next operation", async () => {
    const { databases, opening } = spyOnIndexedDB();
    const store = idbStore("a");
    await lastValueFrom(put(store, [alice, 1]));
    const [database] = databases;
    if (database === undefined) expect.unreachable("no connection was opened");
    const begin = vi.spyOn(database, "transaction");
    forceCloseDatabase(database as never);
    expect(await records(store)).toEqual([1, undefined]);
    expect(opening).toHaveBeenCalledTimes(2);
    expect(begin).not.toHaveBeenCalled();
  });

  it.each([
    ["QuotaExceededError", "full", 1],
    ["UnknownError", "failed", 2],
    ["AbortError", "aborted", 1],
  ])(
    "ends a transaction with a %s, fails as %s, writes nothing and needs %i connection(s)",
    async (name, failure, connections) => {
      const { transactions, requests, on, opening } = spyOnIndexedDB();
      const store = idbStore("a");
      // What an error of the disk does to a transaction in fake-indexeddb.
      on.put = () => {
        if (requests.puts[0] === 2) (transactions[0] as unknown as { _abort(name: string): void })._abort(name);
      };
      const error = await failureOf(put(store, [alice, 1], [bob, 1]));
      expect([error.failure, (error.cause as Error).name]).toEqual([failure, name]);
      expect(await records(store)).toEqual([undefined, undefined]);
      expect(opening).toHaveBeenCalledTimes(connections);
    },
  );
});

describe("idbStore in Node", () => {
  it("does not keep the process alive", async () => {
    const before = process.getActiveResourcesInfo();
    const store = idbStore("a");
    const subscription = store.commits$.subscribe();
    await announce(store, "a");
    expect(process.getActiveResourcesInfo().filter((resource) => resource === "MessagePort")).toEqual(
      before.filter((resource) => resource === "MessagePort"),
    );
    subscription.unsubscribe();
  });
});
