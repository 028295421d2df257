import { firstValueFrom, NEVER, type Observable, of, Subject, type Subscription, throwError } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DeviceTracker } from "../../src/device-tracker.js";
import { MatrixError } from "../../src/http/matrix-error.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { slidingSyncResponses, type SlidingSyncOptions } from "../../src/http/sliding-sync-responses.js";
import type { SyncFailed } from "../../src/http/sync-failed.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { memoryStore } from "../../src/store/memory-store.js";
import { ManualTime } from "../support/manual-time.js";
import { ALICE, BOB } from "../support/users.js";
import { LoopbackServer, type SeenRequest } from "./loopback-server.js";

const UNSTABLE = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";
const STABLE = "/_matrix/client/v4/sync";
const UNRECOGNIZED = { errcode: "M_UNRECOGNIZED", error: "Unrecognized request" };
/** What a loop sends in each request. */
const E2EE_ONLY = { conn_id: "matrix-device-tracker", extensions: { e2ee: { enabled: true } } };

const COUNTS = {
  device_one_time_keys_count: { signed_curve25519: 50 },
  device_unused_fallback_key_types: ["signed_curve25519"],
};
const device_lists = { changed: [BOB], left: [] };
const answerOf = (pos: string, e2ee: object = COUNTS) => ({ pos, rooms: {}, extensions: { e2ee } });
const news = (pos: string) => answerOf(pos, { ...COUNTS, device_lists });

let server: LoopbackServer;
let time: ManualTime;
let received: SyncResponse[];
let reports: SyncFailed[];
let ended: unknown[];
let subscription: Subscription | undefined;

beforeEach(async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  server = await new LoopbackServer().start();
  time = new ManualTime();
  [received, reports, ended] = [[], [], []];
});
afterEach(async () => {
  subscription?.unsubscribe();
  subscription = undefined;
  expect(time.pending).toBe(0);
  await server.stop();
  vi.restoreAllMocks();
});

function responses(
  options: SlidingSyncOptions = {},
  accessToken: string | (() => string) = "secret",
): Observable<SyncResponse> {
  const http = matrixHttp({ homeserverUrl: server.url, accessToken });
  return slidingSyncResponses(http, { scheduler: time, onFailure: (failure) => reports.push(failure), ...options });
}
function start(options: SlidingSyncOptions = {}): void {
  subscription = responses(options).subscribe({
    next: (response) => received.push(response),
    error: (error: unknown) => ended.push(error),
  });
}
const until = (what: () => void): Promise<void> => vi.waitFor(what, { timeout: 5_000, interval: 2 });
/** Answers the n-th request and waits for the outcome. */
async function answer(n: number, ...args: Parameters<SeenRequest["answer"]>): Promise<void> {
  const before = received.length + reports.length + ended.length;
  (await server.request(n)).answer(...args);
  await until(() => expect(received.length + reports.length + ended.length).toBeGreaterThan(before));
}
const pathsOf = (): readonly string[] => server.requests.map(({ path }) => path);
/** Expects no request for `ms` of the scheduler's time, once all are answered. */
async function retryIn(ms: number): Promise<void> {
  time.advance(ms - 1);
  await new Promise((turn) => setTimeout(turn, 15));
  await until(() => expect(server.open.map(({ path }) => path)).toEqual([]));
  time.advance(1);
}

describe("sliding sync", () => {
  it("polls a connection of its own, for device lists alone", async () => {
    start();
    await answer(0, 200, answerOf("0/s1"));
    await answer(1, 200, news("0/s2"));
    await server.request(2);
    expect(server.requests.map(({ method, path, headers }) => [method, path, headers.authorization])).toEqual(
      Array(3).fill(["POST", UNSTABLE, "Bearer secret"]),
    );
    expect(server.requests.map(({ body }) => body)).toEqual(Array(3).fill(E2EE_ONLY));
    expect(server.requests.map(({ query }) => query)).toEqual([
      { timeout: "0", set_presence: "offline" },
      { pos: "0/s1", timeout: "30000", set_presence: "offline" },
      { pos: "0/s2", timeout: "30000", set_presence: "offline" },
    ]);
    expect(received).toEqual([
      { ...COUNTS, next_batch: "0/s1", since: null },
      { ...COUNTS, device_lists, next_batch: "0/s2", since: "0/s1" },
    ]);
  });

  it("goes on from the saved position, with a poll that is not held", async () => {
    start({ since$: of("0/s7"), timeout: 2_000, connId: "another" });
    await answer(0, 200, answerOf("0/s7"));
    await server.request(1);
    expect(server.requests.map(({ query }) => [query.pos, query.timeout])).toEqual([
      ["0/s7", "0"],
      ["0/s7", "2000"],
    ]);
    expect(server.requests[1]?.body).toMatchObject({ conn_id: "another" });
  });

  it("takes the position from the response, whatever the extension says", async () => {
    start({ since$: of("p1") });
    await answer(0, 200, answerOf("p2", { next_batch: "false", since: "false", device_lists }));
    expect(received).toEqual([{ next_batch: "p2", since: "p1", device_lists }]);
  });

  it.each([{}, { extensions: null }, { extensions: {} }, { extensions: { e2ee: null } }])(
    "reads %j as no changes: some servers leave out what is empty",
    async (rest) => {
      start({ since$: of("p1") });
      await answer(0, 200, { pos: "p2", ...rest });
      expect(received).toEqual([{ next_batch: "p2", since: "p1" }]);
    },
  );

  it.each([
    ["pos", { ...news(""), pos: undefined }],
    ["pos", news("")],
    ["extensions", { pos: "p2", extensions: [] }],
    ["extensions.e2ee", { pos: "p2", extensions: { e2ee: "enabled" } }],
  ])("repeats the poll if %s is malformed", async (path, body) => {
    start({ since$: of("p1") });
    await answer(0, 200, body);
    expect(reports).toMatchObject([{ type: "request-failed", error: { name: "InvalidResponseError", path } }]);
    await retryIn(1_500);
    await answer(1, 200, news("p2"));
    expect(received).toMatchObject([{ since: "p1", next_batch: "p2" }]);
  });

  it("saves a response before the next poll", async () => {
    const saving = new Subject<never>();
    start({ since$: of("p1"), save: () => saving });
    (await server.request(0)).answer(200, news("p2"));
    await new Promise((turn) => setTimeout(turn, 30));
    expect([server.requests.length, received.length]).toEqual([1, 0]);
    saving.complete();
    expect((await server.request(1)).query.pos).toBe("p2");
  });

  it("does not spin if the server answers at once, with nothing but the counts of keys", async () => {
    start({ since$: of("p1") });
    for (let n = 0; n < 4; n++) await answer(n, 200, answerOf(`p${n}`, { ...COUNTS, device_lists: { changed: [] } }));
    await retryIn(250);
    await server.request(4);
  });

  it("aborts the poll when it is unsubscribed", async () => {
    start();
    const poll = await server.request(0);
    subscription?.unsubscribe();
    await until(() => expect(poll.aborted).toBe(true));
  });
});

describe("the endpoint of sliding sync", () => {
  it.each([404, 405])("is the stable one if the server does not know the other (%d)", async (status) => {
    start({ since$: of("p1") });
    (await server.request(0)).answer(status, UNRECOGNIZED);
    await answer(1, 200, news("p2"));
    await server.request(2);
    expect(pathsOf()).toEqual([UNSTABLE, STABLE, STABLE]);
    expect(server.requests[2]).toMatchObject({
      query: {},
      body: { ...E2EE_ONLY, pos: "p2", timeout: 30_000, set_presence: "offline" },
    });
    expect([received.length, reports.length]).toEqual([1, 0]);
  });

  it("is tried again if a proxy does not know it", async () => {
    start({ since$: of("p1") });
    await answer(0, 404, "<html>Not found</html>");
    await retryIn(1_500);
    await answer(1, 200, news("p2"));
    expect(pathsOf().slice(0, 2)).toEqual([UNSTABLE, UNSTABLE]);
  });

  it("is kept once the server has responded there", async () => {
    start();
    await answer(0, 200, answerOf("p1"));
    await answer(1, 404, UNRECOGNIZED);
    await retryIn(1_500);
    await answer(2, 200, news("p2"));
    expect(pathsOf().slice(0, 3)).toEqual([UNSTABLE, UNSTABLE, UNSTABLE]);
    expect(ended).toEqual([]);
  });

  it("is kept after a position was refused, too", async () => {
    start();
    (await server.request(0)).answer(404, UNRECOGNIZED);
    await answer(1, 200, answerOf("p1"));
    await answer(2, 400, { errcode: "M_UNKNOWN_POS" });
    await retryIn(1_500);
    await answer(3, 404, UNRECOGNIZED);
    expect(reports.map(({ type }) => type)).toEqual(["since-refused", "request-failed"]);
    expect(ended).toEqual([]);
  });

  it("ends the loop if the server knows neither", async () => {
    start();
    (await server.request(0)).answer(404, UNRECOGNIZED);
    await answer(1, 404, UNRECOGNIZED);
    expect(ended).toMatchObject([{ name: "MatrixError", errcode: "M_UNRECOGNIZED", endpoint: "/v4/sync" }]);
    expect(reports).toMatchObject([{ type: "ended", retryIn: null }]);
    expect(server.requests).toHaveLength(2);
  });

  it("is tried again if the server knows neither, but did before", async () => {
    start({ since$: of("p1") });
    (await server.request(0)).answer(404, UNRECOGNIZED);
    await answer(1, 404, UNRECOGNIZED);
    expect(reports).toMatchObject([{ type: "request-failed", since: "p1" }]);
    await retryIn(1_500);
    await answer(2, 200, news("p2"));
    expect(pathsOf().slice(0, 3)).toEqual([UNSTABLE, STABLE, UNSTABLE]);
  });

  it("is not refused by what accessToken throws about an endpoint of its own", async () => {
    const error = new MatrixError("/refresh", 404, { errcode: "M_UNRECOGNIZED" });
    const accessToken = vi
      .fn(() => "secret")
      .mockImplementationOnce(() => {
        throw error;
      });
    subscription = responses({}, accessToken).subscribe((response) => received.push(response));
    await until(() => expect(reports).toMatchObject([{ type: "request-failed", error }]));
    await retryIn(1_500);
    await answer(0, 200, answerOf("p1"));
    expect(pathsOf()[0]).toBe(UNSTABLE);
  });

  it("follows a base URL with a slash at its end", async () => {
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "secret" });
    http.defaults.baseURL = `${server.url}/_matrix/client/v3/`;
    subscription = slidingSyncResponses(http, { scheduler: time }).subscribe();
    expect((await server.request(0)).path).toBe(UNSTABLE);
  });

  it("is a TypeError at once if the instance has another base URL", () => {
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "secret" });
    http.defaults.baseURL = `${server.url}/_matrix/client/r0`;
    expect(() => slidingSyncResponses(http)).toThrow(TypeError);
    expect(() => responses({ connId: "" })).toThrow(TypeError);
    expect(() => responses({ timeout: -1 })).toThrow(RangeError);
  });
});

describe("a failure of sliding sync", () => {
  it.each(["M_UNKNOWN_POS", "M_UNKNOWN"])("has it start over if the position is refused (%s)", async (errcode) => {
    start({ since$: of("p1") });
    await answer(0, 400, { errcode });
    expect(reports).toMatchObject([{ type: "since-refused", since: "p1", error: { errcode } }]);
    await retryIn(1_500);
    await answer(1, 200, answerOf("p9"));
    expect(server.requests[1]?.query).toEqual({ timeout: "0", set_presence: "offline" });
    expect(received).toMatchObject([{ since: null, next_batch: "p9" }]);
    expect((await server.request(2)).query.pos).toBe("p9");
  });

  it("is retried when the server says", async () => {
    start({ since$: of("p1") });
    await answer(0, 429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 7_000 });
    await retryIn(7_000);
    await server.request(1);
  });

  it("doubles the deadline if the server was too slow for it", async () => {
    start({ since$: of("p1") });
    await server.request(0);
    for (const [n, deadline] of [60_000, 120_000].entries()) {
      await server.request(n);
      time.advance(deadline - 1);
      expect(reports).toHaveLength(n);
      time.advance(1);
      expect(reports[n]).toMatchObject({ error: { name: "ConnectionError", deadline } });
      time.advance(reports[n]?.retryIn ?? 0);
    }
    await server.request(2);
  });

  it("is not one if the token was renewed", async () => {
    let token = "expired";
    const accessToken = () => token;
    subscription = responses({ since$: of("p1") }, accessToken).subscribe((response) => received.push(response));
    const refused = await server.request(0);
    token = "renewed";
    refused.answer(401, { errcode: "M_UNKNOWN_TOKEN" });
    await answer(1, 200, news("p2"));
    const [first, second] = server.requests;
    expect(second).toMatchObject({ path: UNSTABLE, query: first?.query, body: first?.body });
    expect([second?.headers.authorization, reports.length]).toEqual(["Bearer renewed", 0]);
  });

  it("ends it once the device is logged out", async () => {
    start({ since$: of("p1") });
    await answer(0, 401, { errcode: "M_UNKNOWN_TOKEN" });
    expect(ended).toMatchObject([{ errcode: "M_UNKNOWN_TOKEN" }]);
    expect(reports).toMatchObject([{ type: "ended" }]);
  });
});

describe("a tracker on sliding sync", () => {
  const trackBob = async (gaps: "ask" | "distrust") => {
    const store = memoryStore();
    const sync$ = responses({ since$: store.syncToken$ });
    const changes = vi.fn(() => throwError(() => new Error("M_UNKNOWN, Invalid stream token")));
    const keysApi = { query: () => NEVER, changes };
    const tracker = new DeviceTracker({ userId: ALICE, store, keysApi, sync$, gaps });
    const problems: TrackerProblem[] = [];
    tracker.problems$.subscribe((problem) => problems.push(problem));
    tracker.track([BOB]).subscribe();
    subscription = tracker.connect();
    subscription.add(() => {
      tracker.close();
    });
    const tracked = async () => [...(await firstValueFrom(tracker.trackedUsers$))];
    (await server.request(0)).answer(200, answerOf("p1"));
    await server.request(1);
    return { problems, tracked, changes };
  };

  it.each(["ask", "distrust"] as const)("trusts no list after an unknown position (gaps: %s)", async (gaps) => {
    const { problems, tracked, changes } = await trackBob(gaps);
    expect(await tracked()).toEqual([ALICE, BOB]);
    (await server.request(1)).answer(400, { errcode: "M_UNKNOWN_POS" });
    await until(() => expect(reports).toMatchObject([{ type: "since-refused" }]));
    time.advance(1_500);
    (await server.request(2)).answer(200, answerOf("p9"));
    await server.request(3);
    expect(await tracked()).toEqual([ALICE]);
    expect(problems).toMatchObject([{ type: "gap", from: "p1", to: null, caughtUp: false }]);
    expect(changes).toHaveBeenCalledTimes(gaps === "ask" ? 1 : 0);
    expect(server.requests[3]?.query.pos).toBe("p9");
  });
});
