import { config, EMPTY, NEVER, type Observable, of, type Subscription, take, throwError } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { matrixHttp } from "../../src/http/matrix-http.js";
import type { SyncFailed } from "../../src/http/sync-failed.js";
import { type SyncOptions, syncResponses } from "../../src/http/sync-responses.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { LoopbackServer, type SeenRequest } from "./loopback-server.js";
import { ManualTime } from "../support/manual-time.js";

const news = (next_batch: string): SyncResponse => ({ next_batch, device_lists: { changed: ["@bob:example.org"] } });

let server: LoopbackServer;
let time: ManualTime;
let got: SyncResponse[];
let told: SyncFailed[];
let ended: unknown[];
let subscription: Subscription;

beforeEach(async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  server = await new LoopbackServer().start();
  time = new ManualTime();
  [got, told, ended] = [[], [], []];
});
afterEach(async () => {
  subscription.unsubscribe();
  expect(time.pending).toBe(0);
  await server.stop();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function responses(
  options: SyncOptions = {},
  accessToken: string | (() => string) = "secret",
): Observable<SyncResponse> {
  const http = matrixHttp({ homeserverUrl: server.url, accessToken });
  return syncResponses(http, { scheduler: time, onFailure: (failure) => told.push(failure), ...options });
}
function start(options: SyncOptions = {}, accessToken?: string | (() => string)): void {
  subscription = responses(options, accessToken).subscribe({
    next: (response) => got.push(response),
    error: (error: unknown) => ended.push(error),
    complete: () => ended.push("completed"),
  });
}
const until = (what: () => void): Promise<void> => vi.waitFor(what, { timeout: 5_000, interval: 2 });
const emitted = (n: number): Promise<void> => until(() => expect(got).toHaveLength(n));
const failed = (n: number): Promise<void> => until(() => expect(told).toHaveLength(n));
/** Answers the n-th request and waits for what comes of it. */
async function answer(n: number, ...args: Parameters<SeenRequest["answer"]>): Promise<void> {
  const before = got.length + told.length + ended.length;
  (await server.request(n)).answer(...args);
  await until(() => expect(got.length + told.length + ended.length).toBeGreaterThan(before));
}
/** No request comes for `ms` of the scheduler's time; the one that may come then is on its way already when this returns. */
async function quietFor(ms: number): Promise<void> {
  const before = server.requests.length;
  time.advance(ms - 1);
  await new Promise((turn) => setTimeout(turn, 15));
  expect(server.requests).toHaveLength(before);
  time.advance(1);
}

describe("polling", () => {
  it("begins with an initial sync and then carries each token to the next poll", async () => {
    start();
    await answer(0, 200, { next_batch: "s1", rooms: {} });
    await answer(1, 200, news("s2"));
    await answer(2, 200, news("s3 +&=%"));
    const last = await server.request(3);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(
      Array(4).fill("GET /_matrix/client/v3/sync"),
    );
    expect(server.requests.map(({ query }) => query)).toEqual([
      { timeout: "0" },
      { since: "s1", timeout: "30000" },
      { since: "s2", timeout: "30000" },
      { since: "s3 +&=%", timeout: "30000" },
    ]);
    expect(last.headers.authorization).toBe("Bearer secret");
    expect(got).toEqual([
      { next_batch: "s1", rooms: {}, since: null },
      { ...news("s2"), since: "s1" },
      { ...news("s3 +&=%"), since: "s2" },
    ]);
  });

  it("begins where since$ says, with a poll that is not held", async () => {
    start({ since$: of("s7", "s8"), timeout: 2_000 });
    await answer(0, 200, { next_batch: "s7" });
    await server.request(1);
    expect(server.requests.map(({ query }) => query)).toEqual([
      { since: "s7", timeout: "0" },
      { since: "s7", timeout: "2000" },
    ]);
    expect(got).toEqual([{ next_batch: "s7", since: "s7" }]);
  });

  it("sends no request before the response before it has been handed on", async () => {
    const order: string[] = [];
    const http = matrixHttp({
      homeserverUrl: server.url,
      accessToken: () => {
        order.push("request");
        return "secret";
      },
    });
    subscription = syncResponses(http, { scheduler: time }).subscribe(({ next_batch }) => order.push(next_batch));
    (await server.request(0)).answer(200, news("s1"));
    (await server.request(1)).answer(200, news("s2"));
    await server.request(2);
    expect(order).toEqual(["request", "s1", "request", "s2", "request"]);
  });

  it("sends nothing more once its subscriber has had enough", async () => {
    const accessToken = vi.fn(() => "secret");
    subscription = responses({}, accessToken)
      .pipe(take(1))
      .subscribe((response) => got.push(response));
    await answer(0, 200, news("s1"));
    await new Promise((turn) => setTimeout(turn, 15));
    expect(accessToken).toHaveBeenCalledTimes(1);
    expect(server.requests).toHaveLength(1);
  });

  it("goes on at once for as long as there is news", async () => {
    start({ since$: of("s0") });
    for (let n = 0; n < 12; n++) await answer(n, 200, news(`s${n + 1}`));
    await server.request(12);
    expect(time.now()).toBe(0);
  });

  it("does not spin where the server answers at once without news, for ever", async () => {
    start({ since$: of("s1") });
    for (let n = 0; n < 4; n++) await answer(n, 200, { next_batch: "s1" });
    await quietFor(250);
    await answer(4, 200, { next_batch: "s1" });
    await quietFor(500);
    await answer(5, 200, { next_batch: "s1" });
    await quietFor(1_000);
    await answer(6, 200, { next_batch: "s1" });
    await quietFor(2_000);
    await answer(7, 200, news("s2"));
    await server.request(8);
    expect(time.now()).toBe(3_750);
  });

  it("does not stand still where the clock was set back", async () => {
    time.advance(100_000);
    start({ since$: of("s1") });
    for (let n = 0; n < 3; n++) await answer(n, 200, { next_batch: "s1" });
    await server.request(3);
    time.frame -= 90_000;
    await answer(3, 200, { next_batch: "s1" });
    await quietFor(250);
    await server.request(4);
  });

  it("gives a filter as JSON, and one that is a string as it is", async () => {
    const filter = { room: { timeline: { limit: 1 } } };
    start({ filter });
    expect((await server.request(0)).query.filter).toBe(JSON.stringify(filter));
    subscription.unsubscribe();
    start({ filter: "66696p746572" });
    expect((await server.request(1)).query.filter).toBe("66696p746572");
  });

  it("is a loop of its own for each subscription", async () => {
    const since$ = of("s1");
    start({ since$ });
    await answer(0, 200, news("s2"));
    subscription.unsubscribe();
    start({ since$ });
    await until(() => expect(server.requests.at(-1)?.query).toEqual({ since: "s1", timeout: "0" }));
  });
});

describe("the saved token", () => {
  it.each([
    ["completes without one", EMPTY as Observable<string | undefined>, 0],
    ["is empty", of(""), 0],
    ["cannot be read", throwError(() => new Error("no database")), 1],
    ["cannot be read, for a reason that is no error", throwError((): unknown => "no database"), 1],
  ])("that %s means an initial sync", async (_what, since$, failures) => {
    start({ since$ });
    await answer(0, 200, news("s1"));
    expect(server.requests[0]?.query).toEqual({ timeout: "0" });
    expect(got).toMatchObject([{ since: null }]);
    expect(told).toHaveLength(failures);
    for (const failure of told)
      expect(failure).toMatchObject({ type: "since-unreadable", attempt: 0, retryIn: 0, since: null });
  });

  it("that does not come within 10 s means an initial sync", async () => {
    start({ since$: NEVER });
    await quietFor(10_000);
    expect((await server.request(0)).query).toEqual({ timeout: "0" });
    expect(told).toMatchObject([{ type: "since-unreadable" }]);
  });

  it("that the server does not know means an initial sync, which is told", async () => {
    start({ since$: of("nonsense") });
    await answer(0, 400, { errcode: "M_UNKNOWN", error: "Invalid stream token" });
    expect(told).toMatchObject([
      { type: "since-refused", since: "nonsense", error: { errcode: "M_UNKNOWN" }, retryIn: 1_500 },
    ]);
    await quietFor(1_500);
    await answer(1, 200, { next_batch: "s1" });
    expect(server.requests[1]?.query).toEqual({ timeout: "0" });
    expect(got).toEqual([{ next_batch: "s1", since: null }]);
    expect((await server.request(2)).query.since).toBe("s1");
  });
});

describe("a failure", () => {
  it("is told, and tried again after waits that grow", async () => {
    start({ since$: of("s1") });
    await answer(0, 502, "<html>bad gateway</html>");
    expect(told[0]).toMatchObject({
      type: "request-failed",
      attempt: 1,
      retryIn: 1_500,
      since: "s1",
      error: { name: "MatrixError", status: 502, errcode: undefined },
    });
    await quietFor(1_500);
    await answer(1, 500, { errcode: "M_UNKNOWN" });
    expect(told[1]).toMatchObject({ attempt: 2, retryIn: 3_000 });
    await quietFor(3_000);
    (await server.request(2)).response.destroy();
    await failed(3);
    expect(told[2]).toMatchObject({
      attempt: 3,
      retryIn: 6_000,
      error: { name: "ConnectionError", code: "ECONNRESET" },
    });
    await quietFor(6_000);
    await answer(3, 200, news("s2"));
    await server.request(4);
    expect(server.requests.map(({ query }) => query)).toEqual([
      ...Array<unknown>(4).fill({ since: "s1", timeout: "0" }),
      { since: "s2", timeout: "30000" },
    ]);
    expect(got).toEqual([{ ...news("s2"), since: "s1" }]);
  });

  it.each([
    ["retry_after_ms", { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 7_000 }, {}],
    ["Retry-After in seconds", { errcode: "M_LIMIT_EXCEEDED" }, { "retry-after": "7" }],
    [
      "Retry-After as a date",
      "",
      { "retry-after": "Wed, 21 Oct 2026 07:28:07 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" },
    ],
  ])("is not tried again before the server says so, by %s", async (_how, body, headers: Record<string, string>) => {
    start();
    await answer(0, 429, body, headers);
    expect(told).toMatchObject([{ retryIn: 7_000, error: { retryAfter: 7_000 } }]);
    await quietFor(7_000);
    await server.request(1);
  });

  it.each([["<html>"], ["[]"], ['{"next_batch":""}'], ['{"rooms":{}}'], [""]])(
    "is what an answer of %j is, and it does not move the token",
    async (body) => {
      start({ since$: of("s1") });
      await answer(0, 200, body);
      expect(told).toMatchObject([
        { type: "request-failed", error: { name: "InvalidResponseError", endpoint: "/sync" }, since: "s1" },
      ]);
      await quietFor(1_500);
      expect((await server.request(1)).query.since).toBe("s1");
      expect(got).toEqual([]);
    },
  );

  it("is no reason to refuse device lists that make no sense: the tracker does that", async () => {
    start({ since$: of("s1") });
    await answer(0, 200, { next_batch: "s2", device_lists: 5 });
    expect(got).toEqual([{ next_batch: "s2", device_lists: 5, since: "s1" }]);
  });

  it("is what silence is, a minute after the poll should have ended; the request is aborted", async () => {
    start({ since$: of("s1"), timeout: 2_000 });
    await answer(0, 200, { next_batch: "s1" });
    const held = await server.request(1);
    time.advance(61_999);
    expect(told).toEqual([]);
    time.advance(1);
    expect(told).toMatchObject([{ error: { name: "ConnectionError", deadline: 62_000 }, attempt: 1 }]);
    await until(() => expect(held.aborted).toBe(true));
  });

  it("comes no sooner than after five minutes of an initial sync", async () => {
    start();
    const first = await server.request(0);
    time.advance(299_999);
    expect(told).toEqual([]);
    first.answer(200, news("s1"));
    await emitted(1);
  });

  it("does not end the loop though onFailure throws, which is reported", async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    try {
      start({
        onFailure: (failure) => {
          told.push(failure);
          throw new Error("logging is broken");
        },
      });
      await answer(0, 502);
      await quietFor(1_500);
      await answer(1, 200, news("s1"));
      expect(got).toHaveLength(1);
      expect(reported).toMatchObject([{ message: "logging is broken" }]);
    } finally {
      config.onUnhandledError = null;
    }
  });

  it("of the function that gives the access token is one like any other", async () => {
    const accessToken = vi
      .fn(() => "secret")
      .mockImplementationOnce(() => {
        throw new Error("offline");
      });
    start({}, accessToken);
    await failed(1);
    expect(told).toMatchObject([{ type: "request-failed", error: { message: "offline" } }]);
    await quietFor(1_500);
    await answer(0, 200, news("s1"));
  });
});

describe("the access token", () => {
  it("that is refused ends it with the error", async () => {
    start({ since$: of("s1") });
    await answer(0, 401, { errcode: "M_UNKNOWN_TOKEN", error: "logged out", soft_logout: true });
    expect(ended).toMatchObject([{ name: "MatrixError", status: 401, errcode: "M_UNKNOWN_TOKEN", softLogout: true }]);
    expect(told).toMatchObject([{ type: "ended", attempt: 1, retryIn: null, error: ended[0] }]);
    time.advance(600_000);
    expect(server.requests).toHaveLength(1);
  });

  it("is renewed once, and the same is asked again at once", async () => {
    const accessToken = vi.fn(() => "new").mockReturnValueOnce("old");
    start({ since$: of("s1") }, accessToken);
    (await server.request(0)).answer(401, { errcode: "M_UNKNOWN_TOKEN" });
    await answer(1, 200, news("s2"));
    expect(server.requests.slice(0, 2).map(({ headers, query }) => [headers.authorization, query.since])).toEqual([
      ["Bearer old", "s1"],
      ["Bearer new", "s1"],
    ]);
    expect(told).toEqual([]);
  });

  it("ends it where the renewed one is refused too", async () => {
    let n = 0;
    start({}, () => `token${++n}`);
    (await server.request(0)).answer(401, { errcode: "M_UNKNOWN_TOKEN" });
    await answer(1, 401, { errcode: "M_UNKNOWN_TOKEN" });
    await until(() => expect(ended).toHaveLength(1));
    expect(n).toBe(2);
    expect(told).toMatchObject([{ type: "ended" }]);
  });

  it("of a locked account is tried again, as the spec asks", async () => {
    start();
    await answer(0, 401, { errcode: "M_USER_LOCKED", soft_logout: true });
    await quietFor(1_500);
    await answer(1, 200, news("s1"));
    expect(ended).toEqual([]);
  });
});

describe("unsubscribing", () => {
  it("aborts the request: the server sees it", async () => {
    start();
    const first = await server.request(0);
    subscription.unsubscribe();
    await until(() => expect(first.aborted).toBe(true));
    expect(told).toEqual([]);
    expect(ended).toEqual([]);
  });

  it("ends a wait between failures", async () => {
    start();
    await answer(0, 502);
    subscription.unsubscribe();
    expect(time.pending).toBe(0);
  });
});

describe("coming online", () => {
  let browser: EventTarget;
  let listening: number;
  beforeEach(() => {
    browser = new EventTarget();
    listening = 0;
    vi.stubGlobal("addEventListener", (type: string, listener: () => void) => {
      listening++;
      browser.addEventListener(type, listener);
    });
    vi.stubGlobal("removeEventListener", (type: string, listener: () => void) => {
      listening--;
      browser.removeEventListener(type, listener);
    });
  });
  afterEach(() => expect(listening).toBe(0));

  it("ends a wait at once", async () => {
    start();
    await answer(0, 502);
    expect(listening).toBe(1);
    browser.dispatchEvent(new Event("online"));
    time.advance(0);
    await answer(1, 200, news("s1"));
    expect(time.now()).toBe(0);
    expect(listening).toBe(0);
  });

  it("does not shorten what the server asked for", async () => {
    start();
    await answer(0, 429, { retry_after_ms: 9_000 });
    browser.dispatchEvent(new Event("online"));
    await quietFor(9_000);
    await server.request(1);
  });

  it("is not listened for any more after unsubscribing", async () => {
    start();
    await answer(0, 502);
    expect(listening).toBe(1);
    subscription.unsubscribe();
    expect(listening).toBe(0);
  });
});
