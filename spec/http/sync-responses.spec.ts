import {
  config,
  EMPTY,
  NEVER,
  Observable,
  type ObservableInput,
  of,
  Subject,
  type Subscription,
  take,
  throwError,
} from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { matrixHttp } from "../../src/http/matrix-http.js";
import type { SyncFailed } from "../../src/http/sync-failed.js";
import type { SyncOptions } from "../../src/http/sync-options.js";
import { syncResponses } from "../../src/http/sync-responses.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { LoopbackServer, type SeenRequest } from "./loopback-server.js";
import { ManualTime } from "../support/manual-time.js";

const news = (next_batch: string): SyncResponse => ({ next_batch, device_lists: { changed: ["@bob:example.org"] } });

let server: LoopbackServer;
let time: ManualTime;
let received: SyncResponse[];
let reports: SyncFailed[];
let ended: unknown[];
let subscription: Subscription;

beforeEach(async () => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  server = await new LoopbackServer().start();
  time = new ManualTime();
  [received, reports, ended] = [[], [], []];
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
  return syncResponses(http, { scheduler: time, onFailure: (failure) => reports.push(failure), ...options });
}
function start(options: SyncOptions = {}, accessToken?: string | (() => string)): void {
  subscription = responses(options, accessToken).subscribe({
    next: (response) => received.push(response),
    error: (error: unknown) => ended.push(error),
    complete: () => ended.push("completed"),
  });
}
const until = (what: () => void): Promise<void> => vi.waitFor(what, { timeout: 5_000, interval: 2 });
const emitted = (n: number): Promise<void> => until(() => expect(received).toHaveLength(n));
const failed = (n: number): Promise<void> => until(() => expect(reports).toHaveLength(n));
/** Answers the n-th request and waits for the outcome. */
async function answer(n: number, ...args: Parameters<SeenRequest["answer"]>): Promise<void> {
  const before = received.length + reports.length + ended.length;
  (await server.request(n)).answer(...args);
  await until(() => expect(received.length + reports.length + ended.length).toBeGreaterThan(before));
}
/**
 * Expects no request for `ms` of the scheduler's time, once all are answered. The next one may already be on its way
 * when this returns.
 */
async function quietFor(ms: number): Promise<void> {
  time.advance(ms - 1);
  await new Promise((turn) => setTimeout(turn, 15));
  await until(() => expect(server.open.map(({ path }) => path)).toEqual([]));
  time.advance(1);
}

describe("polling", () => {
  it("starts with an initial sync, and sends each token with the next poll", async () => {
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
    expect(received).toEqual([
      { next_batch: "s1", rooms: {}, since: null },
      { ...news("s2"), since: "s1" },
      { ...news("s3 +&=%"), since: "s2" },
    ]);
  });

  it("starts from the token of since$, with a poll that is not held", async () => {
    start({ since$: of("s7", "s8"), timeout: 2_000 });
    await answer(0, 200, { next_batch: "s7" });
    await server.request(1);
    expect(server.requests.map(({ query }) => query)).toEqual([
      { since: "s7", timeout: "0" },
      { since: "s7", timeout: "2000" },
    ]);
    expect(received).toEqual([{ next_batch: "s7", since: "s7" }]);
  });

  it("sends a request only after emitting the previous response", async () => {
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

  it("sends nothing more once its subscriber has unsubscribed", async () => {
    const accessToken = vi.fn(() => "secret");
    subscription = responses({}, accessToken)
      .pipe(take(1))
      .subscribe((response) => received.push(response));
    await answer(0, 200, news("s1"));
    await new Promise((turn) => setTimeout(turn, 15));
    expect(accessToken).toHaveBeenCalledTimes(1);
    expect(server.requests).toHaveLength(1);
  });

  it("polls at once while there is news", async () => {
    start({ since$: of("s0") });
    for (let n = 0; n < 12; n++) await answer(n, 200, news(`s${n + 1}`));
    await server.request(12);
    expect(time.now()).toBe(0);
  });

  it("does not spin if the server keeps responding at once without news", async () => {
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

  it("does not stop if the clock is set back", async () => {
    time.advance(100_000);
    start({ since$: of("s1") });
    for (let n = 0; n < 3; n++) await answer(n, 200, { next_batch: "s1" });
    await server.request(3);
    time.frame -= 90_000;
    await answer(3, 200, { next_batch: "s1" });
    await quietFor(250);
    await server.request(4);
  });

  it("sends a filter as JSON, or verbatim if it is a string", async () => {
    const filter = { room: { timeline: { limit: 1 } } };
    start({ filter });
    expect((await server.request(0)).query.filter).toBe(JSON.stringify(filter));
    subscription.unsubscribe();
    start({ filter: "66696p746572" });
    expect((await server.request(1)).query.filter).toBe("66696p746572");
  });

  it("runs one loop per subscription", async () => {
    const since$ = of("s1");
    start({ since$ });
    await answer(0, 200, news("s2"));
    subscription.unsubscribe();
    start({ since$ });
    await until(() => expect(server.requests.at(-1)?.query).toEqual({ since: "s1", timeout: "0" }));
  });
});

describe("save", () => {
  it("completes before the response is emitted and before the next poll", async () => {
    const saving = new Subject<string>();
    const order: unknown[] = [];
    start({
      save: ({ next_batch, since }) => {
        order.push([next_batch, since]);
        return saving;
      },
    });
    (await server.request(0)).answer(200, news("s1"));
    await until(() => expect(order).toEqual([["s1", null]]));
    saving.next("written");
    await new Promise((turn) => setTimeout(turn, 15));
    expect(server.requests).toHaveLength(1);
    expect(received).toEqual([]);
    saving.complete();
    expect(received).toMatchObject([{ next_batch: "s1" }]);
    expect((await server.request(1)).query.since).toBe("s1");
  });

  it("may return a promise", async () => {
    let finish = (): void => undefined;
    start({ save: () => new Promise<void>((resolve) => (finish = resolve)) });
    (await server.request(0)).answer(200, news("s1"));
    await new Promise((turn) => setTimeout(turn, 30));
    expect(server.requests).toHaveLength(1);
    finish();
    await emitted(1);
    await server.request(1);
  });

  it.each([
    ["fails", () => throwError(() => new Error("disk full"))],
    ["rejects", () => Promise.reject(new Error("disk full"))],
    [
      "throws",
      () => {
        throw new Error("disk full");
      },
    ],
  ])("has the same poll repeated if it %s", async (_how, failing) => {
    const save = vi
      .fn<(response: SyncResponse) => ObservableInput<unknown>>(() => EMPTY)
      .mockImplementationOnce(failing);
    start({ since$: of("s1"), save });
    await answer(0, 200, news("s2"));
    expect(received).toEqual([]);
    expect(reports).toMatchObject([
      { type: "save-failed", attempt: 1, retryIn: 1_500, since: "s1", error: { message: "disk full" } },
    ]);
    await quietFor(1_500);
    await answer(1, 200, news("s2"));
    expect(server.requests[1]?.query.since).toBe("s1");
    expect(received).toMatchObject([{ next_batch: "s2", since: "s1" }]);
    expect((await server.request(2)).query.since).toBe("s2");
  });

  it("is unsubscribed with the loop, and nothing more is sent", async () => {
    let unsubscribed = false;
    const saving = new Observable<never>(() => () => (unsubscribed = true));
    const save = vi.fn(() => saving);
    start({ save });
    (await server.request(0)).answer(200, news("s1"));
    await until(() => expect(save).toHaveBeenCalledTimes(1));
    subscription.unsubscribe();
    expect(unsubscribed).toBe(true);
    expect(server.requests).toHaveLength(1);
  });
});

describe("the timeout", () => {
  it.each([-1, 1_500.5, Number.NaN, Number.POSITIVE_INFINITY])("is a RangeError at once if it is %d", (timeout) => {
    expect(() => responses({ timeout })).toThrow(RangeError);
  });
});

describe("the saved token", () => {
  it.each([
    ["completes without a value", EMPTY as Observable<string | undefined>, 0],
    ["is empty", of(""), 0],
    ["cannot be read", throwError(() => new Error("no database")), 1],
    ["cannot be read, with a reason that is not an Error", throwError((): unknown => "no database"), 1],
  ])("starts an initial sync if it %s", async (_what, since$, failures) => {
    start({ since$ });
    await answer(0, 200, news("s1"));
    expect(server.requests[0]?.query).toEqual({ timeout: "0" });
    expect(received).toMatchObject([{ since: null }]);
    expect(reports).toHaveLength(failures);
    for (const failure of reports)
      expect(failure).toMatchObject({ type: "since-unreadable", attempt: 0, retryIn: 0, since: null });
  });

  it("starts an initial sync if it is not emitted within 10 s", async () => {
    start({ since$: NEVER });
    await quietFor(10_000);
    expect((await server.request(0)).query).toEqual({ timeout: "0" });
    expect(reports).toMatchObject([{ type: "since-unreadable" }]);
  });

  it("costs few initial syncs if the server refuses every token", async () => {
    start({ since$: of("s1") });
    for (let sent = 0; time.now() < 600_000; sent++) {
      if ((await server.request(sent)).query.since === undefined) await answer(sent, 200, news(`s${sent}`));
      else {
        await answer(sent, 400, { errcode: "M_UNKNOWN" });
        time.advance(reports.at(-1)?.retryIn ?? 0);
      }
    }
    expect(server.requests.filter(({ query }) => query.since === undefined).length).toBeLessThan(20);
  });

  it("starts an initial sync if the server does not know it, and is reported", async () => {
    start({ since$: of("nonsense") });
    await answer(0, 400, { errcode: "M_UNKNOWN", error: "Invalid stream token" });
    expect(reports).toMatchObject([
      { type: "since-refused", since: "nonsense", error: { errcode: "M_UNKNOWN" }, retryIn: 1_500 },
    ]);
    await quietFor(1_500);
    await answer(1, 200, { next_batch: "s1" });
    expect(server.requests[1]?.query).toEqual({ timeout: "0" });
    expect(received).toEqual([{ next_batch: "s1", since: null }]);
    expect((await server.request(2)).query.since).toBe("s1");
  });
});

describe("a failure", () => {
  it("is reported, and retried after growing waits", async () => {
    start({ since$: of("s1") });
    await answer(0, 502, "<html>bad gateway</html>");
    expect(reports[0]).toMatchObject({
      type: "request-failed",
      attempt: 1,
      retryIn: 1_500,
      since: "s1",
      error: { name: "MatrixError", status: 502, errcode: undefined },
    });
    await quietFor(1_500);
    await answer(1, 500, { errcode: "M_UNKNOWN" });
    expect(reports[1]).toMatchObject({ attempt: 2, retryIn: 3_000 });
    await quietFor(3_000);
    (await server.request(2)).response.destroy();
    await failed(3);
    expect(reports[2]).toMatchObject({
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
    expect(received).toEqual([{ ...news("s2"), since: "s1" }]);
  });

  it.each([
    ["retry_after_ms", { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 7_000 }, {}],
    ["Retry-After in seconds", { errcode: "M_LIMIT_EXCEEDED" }, { "retry-after": "7" }],
    [
      "Retry-After as a date",
      "",
      { "retry-after": "Wed, 21 Oct 2026 07:28:07 GMT", date: "Wed, 21 Oct 2026 07:28:00 GMT" },
    ],
  ])("is retried when the server says (%s)", async (_how, body, headers: Record<string, string>) => {
    start();
    await answer(0, 429, body, headers);
    expect(reports).toMatchObject([{ retryIn: 7_000, error: { retryAfter: 7_000 } }]);
    await quietFor(7_000);
    await server.request(1);
  });

  it.each([
    ["<html>"],
    ["[]"],
    ['{"next_batch":""}'],
    ['{"rooms":{}}'],
    [""],
    ['{"errcode":"M_UNKNOWN","next_batch":"s2"}'],
  ])("is a response of %j, which does not move the token", async (body) => {
    start({ since$: of("s1") });
    await answer(0, 200, body);
    expect(reports).toMatchObject([
      { type: "request-failed", error: { name: "InvalidResponseError", endpoint: "/sync" }, since: "s1" },
    ]);
    await quietFor(1_500);
    expect((await server.request(1)).query.since).toBe("s1");
    expect(received).toEqual([]);
  });

  it("is not a response with invalid device lists, which the tracker checks", async () => {
    start({ since$: of("s1") });
    await answer(0, 200, { next_batch: "s2", device_lists: 5 });
    expect(received).toEqual([{ next_batch: "s2", device_lists: 5, since: "s1" }]);
  });

  it("follows 60 s after a poll should have ended, and aborts the request", async () => {
    start({ since$: of("s1"), timeout: 2_000 });
    await answer(0, 200, { next_batch: "s1" });
    const held = await server.request(1);
    time.advance(61_999);
    expect(reports).toEqual([]);
    time.advance(1);
    expect(reports).toMatchObject([{ error: { name: "ConnectionError", deadline: 62_000 }, attempt: 1 }]);
    await until(() => expect(held.aborted).toBe(true));
  });

  it("is followed by a poll with twice the deadline if a deadline passed", async () => {
    start({ since$: of("s1") });
    await server.request(0);
    time.advance(60_000);
    expect(reports).toMatchObject([{ error: { deadline: 60_000 } }]);
    await quietFor(1_500);
    const slow = await server.request(1);
    time.advance(119_999);
    expect(reports).toHaveLength(1);
    slow.answer(200, news("s2"));
    await emitted(1);
  });

  it("does not follow within five minutes of an initial sync", async () => {
    start();
    const first = await server.request(0);
    time.advance(299_999);
    expect(reports).toEqual([]);
    first.answer(200, news("s1"));
    await emitted(1);
  });

  it("does not end the loop if onFailure throws, which is reported", async () => {
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    try {
      start({
        onFailure: (failure) => {
          reports.push(failure);
          throw new Error("logging is broken");
        },
      });
      await answer(0, 502);
      await quietFor(1_500);
      await answer(1, 200, news("s1"));
      expect(received).toHaveLength(1);
      expect(reported).toMatchObject([{ message: "logging is broken" }]);
    } finally {
      config.onUnhandledError = null;
    }
  });

  it("can come from the function that returns the access token", async () => {
    const accessToken = vi
      .fn(() => "secret")
      .mockImplementationOnce(() => {
        throw new Error("offline");
      });
    start({}, accessToken);
    await failed(1);
    expect(reports).toMatchObject([{ type: "request-failed", error: { message: "offline" } }]);
    await quietFor(1_500);
    await answer(0, 200, news("s1"));
  });
});

describe("the access token", () => {
  it("ends the loop with the error if it is refused", async () => {
    start({ since$: of("s1") });
    await answer(0, 401, { errcode: "M_UNKNOWN_TOKEN", error: "logged out", soft_logout: true });
    expect(ended).toMatchObject([{ name: "MatrixError", status: 401, errcode: "M_UNKNOWN_TOKEN", softLogout: true }]);
    expect(reports).toMatchObject([{ type: "ended", attempt: 1, retryIn: null, error: ended[0] }]);
    time.advance(600_000);
    expect(server.requests).toHaveLength(1);
  });

  it("is renewed once, and the request is sent again at once", async () => {
    const accessToken = vi.fn(() => "new").mockReturnValueOnce("old");
    start({ since$: of("s1") }, accessToken);
    (await server.request(0)).answer(401, { errcode: "M_UNKNOWN_TOKEN" });
    await answer(1, 200, news("s2"));
    expect(server.requests.slice(0, 2).map(({ headers, query }) => [headers.authorization, query.since])).toEqual([
      ["Bearer old", "s1"],
      ["Bearer new", "s1"],
    ]);
    expect(reports).toEqual([]);
  });

  it("ends the loop if the renewed one is refused, and there is no other", async () => {
    start({}, vi.fn(() => "new").mockReturnValueOnce("old"));
    (await server.request(0)).answer(401, { errcode: "M_UNKNOWN_TOKEN" });
    await answer(1, 401, { errcode: "M_UNKNOWN_TOKEN" });
    await until(() => expect(ended).toHaveLength(1));
    expect(reports).toMatchObject([{ type: "ended" }]);
  });

  it("may expire again and again", async () => {
    let n = 0;
    start({ since$: of("s1") }, () => `token${++n}`);
    for (const i of [0, 1]) (await server.request(i)).answer(401, { errcode: "M_UNKNOWN_TOKEN" });
    await answer(2, 401, { errcode: "M_UNKNOWN_TOKEN" });
    expect(reports).toMatchObject([{ type: "request-failed", error: { tokenReplaced: true } }]);
    await quietFor(1_500);
    await answer(3, 200, news("s2"));
    expect(ended).toEqual([]);
  });

  it("may be lost on the way: the loop goes on", async () => {
    start({ since$: of("s1") });
    await answer(0, 401, { errcode: "M_MISSING_TOKEN", error: "Missing access token" });
    expect(reports).toMatchObject([{ type: "request-failed", error: { errcode: "M_MISSING_TOKEN" } }]);
    await quietFor(1_500);
    await answer(1, 200, news("s2"));
  });

  it("is used again while the account is locked", async () => {
    start();
    await answer(0, 401, { errcode: "M_USER_LOCKED", soft_logout: true });
    await quietFor(1_500);
    await answer(1, 200, news("s1"));
    expect(ended).toEqual([]);
  });
});

describe("unsubscribing", () => {
  it("aborts the request", async () => {
    start();
    const first = await server.request(0);
    subscription.unsubscribe();
    await until(() => expect(first.aborted).toBe(true));
    expect(reports).toEqual([]);
    expect(ended).toEqual([]);
  });

  it("ends the wait after a failure", async () => {
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
  afterEach(() => {
    subscription.unsubscribe();
    expect(listening).toBe(0);
  });

  it("ends a wait at once", async () => {
    start();
    await answer(0, 502);
    expect(listening).toBe(1);
    browser.dispatchEvent(new Event("online"));
    time.advance(0);
    await answer(1, 200, news("s1"));
    expect(time.now()).toBe(0);
  });

  it("does not shorten a wait that the server requires", async () => {
    start();
    await answer(0, 429, { retry_after_ms: 9_000 });
    browser.dispatchEvent(new Event("online"));
    await quietFor(9_000);
    await server.request(1);
  });

  it("repeats a poll that hangs, and does not let the server hold it", async () => {
    start({ since$: of("s0") });
    await answer(0, 200, news("s1"));
    const hung = await server.request(1);
    browser.dispatchEvent(new Event("online"));
    await until(() => expect(hung.aborted).toBe(true));
    expect((await server.request(2)).query).toEqual({ since: "s1", timeout: "0" });
    await answer(2, 200, news("s2"));
    expect((await server.request(3)).query).toEqual({ since: "s2", timeout: "30000" });
    expect(received.map(({ next_batch }) => next_batch)).toEqual(["s1", "s2"]);
    expect(reports).toEqual([]);
    expect(listening).toBe(1);
  });

  it("does not disturb save", async () => {
    const saving = new Subject<void>();
    let saves = 0;
    start({ save: () => (saves++, saving) });
    (await server.request(0)).answer(200, news("s1"));
    await until(() => expect(saves).toBe(1));
    browser.dispatchEvent(new Event("online"));
    saving.complete();
    await emitted(1);
    expect(saves).toBe(1);
    expect((await server.request(1)).query.since).toBe("s1");
  });

  it("is not observed after unsubscribing", async () => {
    start();
    await answer(0, 502);
    expect(listening).toBe(1);
    subscription.unsubscribe();
    expect(listening).toBe(0);
  });
});
