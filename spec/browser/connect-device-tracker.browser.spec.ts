import {
  EMPTY,
  filter,
  firstValueFrom,
  lastValueFrom,
  NEVER,
  Subject,
  throwError,
  toArray,
  type ObservableInput,
} from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  connectDeviceTracker,
  type ConnectedDeviceTracker,
  type ConnectOptions,
} from "../../src/browser/connect-device-tracker.js";
import { TokenOwnerError } from "../../src/http/token-owner-error.js";
import { idbStore } from "../../src/idb/idb-store.js";
import { StoreClearedError, TrackerClosedError } from "../../src/model/errors.js";
import { EncryptedRooms } from "../../src/rooms/encrypted-rooms.js";
import { PageHomeserver, ROOM } from "./page-homeserver.js";
import { allRecords, holdDatabase } from "./raw-database.js";

const BOB = "@bob:example.org";
const SOON = { timeout: 10_000 };
/** Rounds of a race. */
const ROUNDS = 40;

/** Delivers messages late, as to a tab that is busy. */
class LateChannel extends BroadcastChannel {
  override set onmessage(listener: (event: MessageEvent<unknown>) => void) {
    super.onmessage = (event) => void setTimeout(() => listener(event), 100);
  }
}

let homeserver: PageHomeserver;
let userId: string;
let connected: Connected[];
beforeEach(() => {
  homeserver = new PageHomeserver();
  userId = `@${crypto.randomUUID()}:example.org`;
  connected = [];
});
afterEach(() => {
  for (const { close } of connected) close();
  homeserver.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

type Connected = ConnectedDeviceTracker & { readonly ends: string[] };

/** Locks, channels and IndexedDB are the browser's own. To them, each connection in one page is like one in a tab. */
function connect(options: Partial<ConnectOptions> = {}): Connected {
  const user = options.userId ?? userId;
  const session = { homeserverUrl: location.origin, accessToken: `${user}/1`, userId: user, ...options };
  const connection = connectDeviceTracker(session);
  const ends: string[] = [];
  connection.loggedOut$.subscribe({
    next: () => ends.push("logged out"),
    complete: () => ends.push("complete"),
  });
  const result = { ...connection, ends };
  connected.push(result);
  return result;
}
const logOut = ({ logOut }: ConnectedDeviceTracker) => lastValueFrom(logOut(), { defaultValue: undefined });
const caughtUp = ({ tracker }: ConnectedDeviceTracker) => firstValueFrom(tracker.caughtUp$);
const recipientsOf = async ({ rooms }: ConnectedDeviceTracker) =>
  (await firstValueFrom(rooms.recipients(ROOM, { unsigned: true }))).joined;
const isClosed = ({ tracker }: ConnectedDeviceTracker): boolean => {
  let hasFailed = false;
  tracker
    .getDeviceKeys([BOB])
    .subscribe({ error: (error: unknown) => (hasFailed = error instanceof TrackerClosedError) });
  return hasFailed;
};
const pause = (ms: number) => new Promise((turn) => setTimeout(turn, ms));
const withoutLocks = () => vi.spyOn(navigator, "locks", "get").mockReturnValue(undefined as unknown as LockManager);
const recordsOf = (user = userId) => allRecords(`devices/${user}`);
const locks = async () => {
  const { held = [], pending = [] } = await navigator.locks.query();
  return [...held, ...pending].filter(({ name }) => name === `sync/${userId}`).length;
};

describe("a connected tracker", () => {
  it("knows the recipients in every tab, and one tab syncs", async () => {
    const [first, second] = [connect(), connect()];
    await Promise.all([caughtUp(first), caughtUp(second)]);
    expect(await recipientsOf(first)).toEqual([userId, BOB]);
    expect(await recipientsOf(second)).toEqual([userId, BOB]);
    expect(homeserver.requests.filter(({ path }) => path === "/sync")).toHaveLength(2);
  });

  it("saves a response before it acknowledges it", async () => {
    const saving = new Subject<never>();
    const save = vi.fn(() => saving);
    connect({ save });
    await expect.poll(() => save.mock.calls).toMatchObject([[{ to_device: { events: [{}] } }]]);
    expect(homeserver.polls.size).toBe(0);
    saving.complete();
    await expect.poll(() => homeserver.polls.size).toBe(1);
  });

  it("is refused by the token of another user, whose changes do not get into the store", async () => {
    const other = "@other:example.org";
    const { tracker, http } = connect({ accessToken: `${other}/1` });
    const problem = firstValueFrom(tracker.problems$.pipe(filter(({ type }) => type === "sync-ended")));
    const expected = new TokenOwnerError(other, userId);
    await expect(firstValueFrom(tracker.getDeviceKeys([userId]))).rejects.toThrow(expected);
    expect((await problem).message).toContain(expected.message);
    expect(homeserver.requests.map(({ path }) => path)).toEqual(["/account/whoami"]);
    expect([...(await recordsOf()).keys()]).toEqual(["account/owner"]);
    expect((await http.post("/logout", {})).status).toBe(200);
  });

  it("asks once whose token it is, before its first request", async () => {
    const first = connect();
    await caughtUp(first);
    await recipientsOf(first);
    const paths = homeserver.requests.map(({ path }) => path);
    expect(paths.indexOf("/account/whoami")).toBe(0);
    expect(paths.lastIndexOf("/account/whoami")).toBe(0);
  });

  it("passes options on to the tracker, extensions besides its own", () => {
    expect(() => connect({ options: { maxConcurrentQueries: 0 } })).toThrow(RangeError);
    const another = new EncryptedRooms({ membersApi: { members: () => NEVER, state: () => NEVER } });
    expect(() => connect({ options: { extensions: [another] } })).toThrow("different names, not rooms, rooms");
  });

  it("passes options on to the sync loop", async () => {
    const onFailure = vi.fn();
    const save = vi
      .fn((): ObservableInput<unknown> => EMPTY)
      .mockImplementationOnce(() => throwError(() => new Error("disk full")));
    connect({ filter: "66696p", timeout: 7_000, save, onFailure });
    await expect.poll(() => homeserver.polls.size, SOON).toBe(1);
    expect(homeserver.requests.at(-1)?.params).toEqual({ since: "s1", timeout: 7_000, filter: "66696p" });
    expect(onFailure.mock.calls).toMatchObject([[{ type: "save-failed", error: { message: "disk full" } }]]);
  });

  it("keeps its store if it is closed", async () => {
    const first = connect();
    await lastValueFrom(first.tracker.track([BOB]), { defaultValue: undefined });
    await caughtUp(first);
    await expect.poll(async () => (await recordsOf()).size).toBeGreaterThan(1);
    first.close();
    expect(first.ends).toEqual(["complete"]);
    await expect(firstValueFrom(first.tracker.getDeviceKeys([BOB]))).rejects.toThrow(TrackerClosedError);
    await expect.poll(locks).toBe(0);
    const second = connect();
    await caughtUp(second);
    expect(await recipientsOf(second)).toEqual([userId, BOB]);
    const initial = homeserver.requests.filter(({ path, params }) => path === "/sync" && !("since" in params));
    expect(initial).toHaveLength(1);
  });

  it.each<[string, unknown, object]>([
    ["homeserverUrl", "example.org", { homeserverUrl: "example.org" }],
    ["accessToken", undefined, { accessToken: undefined }],
    ["accessToken", "a b", { accessToken: "a b" }],
    ["userId", "alice", { userId: "alice" }],
    ["save", "inbox", { save: "inbox" }],
  ])("is a TypeError at once if %s is %s", async (name, _value, options) => {
    expect(() => connect(options)).toThrow(TypeError);
    expect(() => connect(options)).toThrow(name);
    expect(await locks()).toBe(0);
  });

  it("is a RangeError at once if the timeout is one", async () => {
    expect(() => connect({ timeout: -1 })).toThrow(RangeError);
    expect(await locks()).toBe(0);
  });
});

describe("a log-out", () => {
  it.each(["the tab that syncs", "another tab"])("by %s ends all tabs and leaves nothing", async (by) => {
    const tabs = [connect(), connect(), connect()] as const;
    await Promise.all(tabs.map(caughtUp));
    await Promise.all(tabs.map(recipientsOf));
    await expect.poll(() => homeserver.polls.size).toBe(1);
    const { length } = homeserver.requests;

    await logOut(by === "another tab" ? tabs[1] : tabs[0]);
    await expect.poll(() => tabs.map(({ ends }) => ends), SOON).toEqual(Array(3).fill(["logged out", "complete"]));
    expect(await recordsOf()).toEqual(new Map());
    for (const { tracker } of tabs)
      await expect(firstValueFrom(tracker.getDeviceKeys([BOB]))).rejects.toThrow(TrackerClosedError);
    expect(homeserver.polls.size).toBe(0);
    await expect.poll(locks).toBe(0);
    expect(homeserver.requests).toHaveLength(length);
    expect(await recordsOf()).toEqual(new Map());
  });

  it("is followed by a log-in as another device or user, which a former tab does not end", async () => {
    const [first, second] = [connect(), connect()];
    await Promise.all([first, second].map(caughtUp));
    await logOut(first);
    await expect.poll(() => second.ends).toContain("logged out");

    const other = `@other-${crypto.randomUUID()}:example.org`;
    for (const [user, token] of [
      [userId, `${userId}/2`],
      [other, `${other}/1`],
    ] as const) {
      const next = connect({ userId: user, accessToken: token });
      await caughtUp(next);
      await Promise.all([logOut(first), logOut(second)]);
      expect(await recipientsOf(next)).toEqual([user, BOB]);
      expect(homeserver.requests.at(-1)?.token).toBe(token);
      expect((await recordsOf(user)).size).toBeGreaterThan(0);
      expect(next.ends).toEqual([]);
    }
  });

  it("is not undone by a tab that is just being opened", { timeout: 60_000 }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      userId = `@round-${round}-${crypto.randomUUID()}:example.org`;
      const first = connect();
      if (round % 2 === 0) await caughtUp(first);
      const second = connect();
      if (round % 4 > 1) await new Promise((turn) => setTimeout(turn, round / 4));
      await logOut(first);
      await expect.poll(() => second.ends, SOON).toContain("logged out");
      await new Promise((turn) => setTimeout(turn, 20));
      expect(await recordsOf(), `round ${round}`).toEqual(new Map());
    }
  });

  it("waits for a tab that is still loading when it is notified", async () => {
    const first = connect();
    await caughtUp(first);
    vi.stubGlobal("BroadcastChannel", LateChannel);
    const second = connect();
    vi.unstubAllGlobals();
    await logOut(first);
    expect(second.ends).toEqual([]);
    await expect.poll(() => second.ends, SOON).toEqual(["logged out", "complete"]);
    expect(await recordsOf()).toEqual(new Map());
  });

  it.each([true, false])("ends other tabs once the store is cleared (with Web Locks: %j)", async (hasLocks) => {
    if (!hasLocks) withoutLocks();
    const [first, second] = [connect(), connect()];
    await Promise.all([first, second].map(caughtUp));
    const release = await holdDatabase(`devices/${userId}`);
    const loggingOut = logOut(first);
    await expect.poll(() => isClosed(second)).toBe(true);
    await pause(200);
    expect(second.ends).toEqual([]);
    await release();
    await loggingOut;
    await expect.poll(() => second.ends).toEqual(["logged out", "complete"]);
    expect(await recordsOf()).toEqual(new Map());
  });

  it("ends other tabs after 10 s if the tab that began it is gone", async () => {
    const connection = connect();
    await caughtUp(connection);
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "Date"] });
    const channel = new BroadcastChannel(`matrix-device-tracker/browser/${userId}`);
    channel.postMessage("log-out");
    while (!isClosed(connection)) await pause(5); // expect.poll would advance the clock
    vi.advanceTimersByTime(9_999);
    expect(connection.ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(connection.ends).toEqual(["logged out", "complete"]);
    channel.close();
  });

  it("is one if it is called twice", async () => {
    const first = connect();
    await caughtUp(first);
    const clear = vi.spyOn(IDBObjectStore.prototype, "clear");
    await Promise.all([logOut(first), logOut(first)]);
    await logOut(first);
    expect(clear).toHaveBeenCalledTimes(1);
    expect(first.ends).toEqual(["logged out", "complete"]);
  });

  it("is not cancelled by unsubscribing", async () => {
    const first = connect();
    await caughtUp(first);
    first.logOut().subscribe().unsubscribe();
    await expect.poll(() => first.ends, SOON).toEqual(["logged out", "complete"]);
    expect(await recordsOf()).toEqual(new Map());
  });

  it("that cannot clear the store fails, and can be repeated", async () => {
    const first = connect();
    await caughtUp(first);
    vi.spyOn(IDBObjectStore.prototype, "clear").mockImplementationOnce(() => {
      throw new DOMException("the disk is gone", "UnknownError");
    });
    await expect(logOut(first)).rejects.toThrow("the disk is gone");
    await expect.poll(locks).toBe(0);
    expect(first.ends).toEqual([]);
    await logOut(first);
    expect(first.ends).toEqual(["logged out", "complete"]);
    expect(await recordsOf()).toEqual(new Map());
  });

  it("that cannot clear the store ends other tabs when it is repeated, by any of them", async () => {
    const tabs = [connect(), connect(), connect()] as const;
    await Promise.all(tabs.map(caughtUp));
    vi.spyOn(IDBObjectStore.prototype, "clear").mockImplementationOnce(() => {
      throw new DOMException("the disk is gone", "UnknownError");
    });
    await expect(logOut(tabs[0])).rejects.toThrow("the disk is gone");
    await expect.poll(() => tabs.every(isClosed)).toBe(true);
    await pause(200);
    expect(tabs.map(({ ends }) => ends)).toEqual([[], [], []]);
    await logOut(tabs[1]);
    await expect.poll(() => tabs.map(({ ends }) => ends), SOON).toEqual(Array(3).fill(["logged out", "complete"]));

    const next = connect({ accessToken: `${userId}/2` });
    await caughtUp(next);
    await logOut(tabs[0]);
    expect((await recordsOf()).size).toBeGreaterThan(0);
    expect(next.ends).toEqual([]);
  });

  it("fails after close(): it might end a new session, which a closed connection does not hear of", async () => {
    const [closed, first] = [connect(), connect()];
    await Promise.all([closed, first].map(caughtUp));
    closed.close();
    await logOut(first);
    const next = connect({ accessToken: `${userId}/2` });
    await caughtUp(next);
    await expect(logOut(closed)).rejects.toThrow(TrackerClosedError);
    expect((await recordsOf()).size).toBeGreaterThan(0);
    expect(next.ends).toEqual([]);
    await logOut(next);
    expect(await recordsOf()).toEqual(new Map());
  });

  it("is found by a tab that was not notified, when it next uses the store", async () => {
    const first = connect();
    await caughtUp(first);
    await lastValueFrom(idbStore(`devices/${userId}`).clear());
    const invalidated = lastValueFrom(first.tracker.invalidate([BOB]), { defaultValue: undefined });
    await expect(invalidated).rejects.toThrow(StoreClearedError);
    await expect.poll(() => first.ends, SOON).toEqual(["logged out", "complete"]);
    expect(await lastValueFrom(first.loggedOut$.pipe(toArray()))).toHaveLength(1); // it replays
    expect(await recordsOf()).toEqual(new Map());
    expect(homeserver.polls.size).toBe(0);
  });

  it("needs no Web Locks", async () => {
    withoutLocks();
    const onUnshared = vi.fn();
    const [first, second] = [connect({ onUnshared }), connect()];
    await Promise.all([first, second].map(caughtUp));
    expect(onUnshared).toHaveBeenCalledTimes(1);
    await logOut(first);
    await expect.poll(() => second.ends).toEqual(["logged out", "complete"]);
    expect(await recordsOf()).toEqual(new Map());
  });

  it("waits no longer than 3 s for a tab that is suspended", async () => {
    const suspended = new Promise<void>((resume) => {
      navigator.locks.request(`sync/${userId}`, () => new Promise(() => undefined)).catch(() => resume());
    });
    vi.spyOn(BroadcastChannel.prototype, "postMessage").mockReturnValue(undefined); // no leader is asked for a sign of life
    const first = connect();
    const start = performance.now();
    await logOut(first);
    expect(performance.now() - start).toBeGreaterThan(2_900);
    expect(await recordsOf()).toEqual(new Map());
    await navigator.locks.request(`sync/${userId}`, { steal: true }, () => undefined);
    await suspended;
  });
});
