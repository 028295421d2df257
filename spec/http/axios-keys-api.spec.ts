import axios from "axios";
import { firstValueFrom, lastValueFrom, toArray } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { axiosKeysApi } from "../../src/http/axios-keys-api.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { InvalidResponseError } from "../../src/model/errors.js";
import { LoopbackServer } from "./loopback-server.js";
import { ManualTime } from "../support/manual-time.js";
import { type MockAdapter, mockAdapter } from "./mock-adapter.js";

const BOB = "@bob:example.org";
const request = { device_keys: { [BOB]: [] } } as { device_keys: Record<string, []> };

describe("the requests", () => {
  function given(): { api: ReturnType<typeof axiosKeysApi>; mock: MockAdapter } {
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: "secret" });
    return { api: axiosKeysApi(http), mock: mockAdapter(http) };
  }

  it("ask for the devices, without a timeout where the caller gave none", async () => {
    const { api, mock } = given();
    mock.onPost("/keys/query").reply(200, { device_keys: {}, "org.example.more": 1 });
    await expect(lastValueFrom(api.query(request).pipe(toArray()))).resolves.toEqual([
      { device_keys: {}, "org.example.more": 1 },
    ]);
    const sent = mock.history.post?.[0];
    expect(JSON.parse(String(sent?.data))).toEqual({ device_keys: { [BOB]: [] } });
    expect(sent?.params).toEqual({});
    expect(sent?.headers).toMatchObject({ Authorization: "Bearer secret", "Content-Type": "application/json" });
  });

  it("give the timeout in the body and in the query string, also where it is 0", async () => {
    for (const timeout of [1234, 0]) {
      const { api, mock } = given();
      mock.onPost("/keys/query").reply(200, {});
      await firstValueFrom(api.query({ ...request, timeout }));
      const sent = mock.history.post?.[0];
      expect(JSON.parse(String(sent?.data))).toEqual({ device_keys: { [BOB]: [] }, timeout });
      expect(sent?.params).toEqual({ timeout });
    }
  });

  it("ask for the changes between two tokens", async () => {
    const { api, mock } = given();
    mock.onGet("/keys/changes").reply(200, { changed: [BOB] });
    await expect(firstValueFrom(api.changes({ from: "s1+&", to: "s2" }))).resolves.toEqual({ changed: [BOB] });
    expect(mock.history.get?.[0]?.params).toEqual({ from: "s1+&", to: "s2" });
  });

  it("go out at each subscription and not before", async () => {
    const { api, mock } = given();
    mock.onPost("/keys/query").reply(200, {});
    const query$ = api.query(request);
    expect(mock.history.post ?? []).toHaveLength(0);
    await firstValueFrom(query$);
    await firstValueFrom(query$);
    expect(mock.history.post).toHaveLength(2);
  });
});

describe("an answer that makes no sense", () => {
  let server: LoopbackServer;
  let body: string;
  beforeEach(async () => {
    server = await new LoopbackServer((seen) => seen.answer(200, body)).start();
  });
  afterEach(() => server.stop());

  it.each([
    ["<html>", ""],
    ["", ""],
    ['{"device_keys": {', ""],
    ["[]", ""],
    ["null", ""],
    ['{"device_keys": 5}', "device_keys"],
    ['{"device_keys": []}', "device_keys"],
    ['{"failures": "x"}', "failures"],
    ['{"master_keys": [1]}', "master_keys"],
  ])("is a clear error at once: %j to /keys/query", async (answer, path) => {
    body = answer;
    const error: unknown = await firstValueFrom(
      axiosKeysApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" })).query(request),
    ).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(InvalidResponseError);
    expect(error).toMatchObject({ endpoint: "/keys/query", path });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ["<html>", ""],
    ["[]", ""],
    ['{"changed": {}}', "changed"],
    ['{"left": "x"}', "left"],
  ])("is a clear error at once: %j to /keys/changes", async (answer, path) => {
    body = answer;
    const error: unknown = await firstValueFrom(
      axiosKeysApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" })).changes({ from: "a", to: "b" }),
    ).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: "InvalidResponseError", endpoint: "/keys/changes", path });
  });

  it("is told from an answer with names of JavaScript's, which are only names", async () => {
    body = '{"device_keys": {"__proto__": {"polluted": {}}, "constructor": {}}}';
    const answer = await firstValueFrom(
      axiosKeysApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" })).query(request),
    );
    expect(Object.keys(answer.device_keys ?? {})).toEqual(["__proto__", "constructor"]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("what may pass", () => {
  let time: ManualTime;
  let mock: MockAdapter;
  let results: unknown[];
  let subscription: { unsubscribe(): void };
  const sent = (): number => (mock.history.post ?? []).length;
  const settled = (n: number): Promise<void> => vi.waitFor(() => expect(results).toHaveLength(n), { interval: 1 });

  beforeEach(() => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    time = new ManualTime();
    results = [];
  });
  afterEach(() => {
    subscription.unsubscribe();
    expect(time.pending).toBe(0);
    vi.restoreAllMocks();
  });
  function ask(script: (mock: MockAdapter) => unknown): void {
    const http = axios.create();
    mock = mockAdapter(http);
    script(mock);
    subscription = axiosKeysApi(http, { scheduler: time })
      .query(request)
      .subscribe({ next: (value) => results.push(value), error: (error: unknown) => results.push(error) });
  }
  /** The n-th attempt has failed and the next one waits. */
  const waiting = (n: number): Promise<void> =>
    vi.waitFor(
      () => {
        expect(sent()).toBe(n);
        expect(time.pending).toBe(1);
      },
      { interval: 1 },
    );
  /** Lets the answer of a request arrive: mocked answers take promises, no time. */
  const turn = (): Promise<void> => new Promise((done) => setTimeout(done));

  it.each([429, 502, 503, 504])("%i is tried again, twice, and then it is the error", async (status) => {
    ask((m) => m.onPost().reply(status));
    await turn();
    await waiting(1);
    time.advance(1_499);
    await turn();
    expect(sent()).toBe(1);
    time.advance(1);
    await turn();
    await waiting(2);
    time.advance(3_000);
    await settled(1);
    expect(sent()).toBe(3);
    expect(results[0]).toMatchObject({ name: "MatrixError", status });
  });

  it("no connection is tried again, and the answer is given", async () => {
    ask((m) => m.onPost().networkErrorOnce().onPost().reply(200, { device_keys: {} }));
    await turn();
    await waiting(1);
    time.advance(1_500);
    await settled(1);
    expect(results).toEqual([{ device_keys: {} }]);
  });

  it.each([
    ["retry_after_ms", { retry_after_ms: 20_000 }, {}],
    ["Retry-After", {}, { "Retry-After": "20" }],
  ])("is tried again when the server says, by %s", async (_how, body, headers) => {
    ask((m) => m.onPost().replyOnce(429, body, headers).onPost().reply(200, {}));
    await turn();
    await waiting(1);
    time.advance(19_999);
    await turn();
    expect(sent()).toBe(1);
    time.advance(1);
    await settled(1);
    expect(results).toEqual([{}]);
  });

  it("is an error at once where the server asks for more than 30 s", async () => {
    ask((m) => m.onPost().reply(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 30_001 }));
    await settled(1);
    expect(results[0]).toMatchObject({ errcode: "M_LIMIT_EXCEEDED", retryAfter: 30_001 });
    expect(sent()).toBe(1);
  });

  it("is an error where the waits add up to more than 30 s", async () => {
    ask((m) => m.onPost().reply(429, { retry_after_ms: 16_000 }));
    await turn();
    await waiting(1);
    time.advance(16_000);
    await settled(1);
    expect(sent()).toBe(2);
  });

  it.each([400, 401, 403, 404, 500, 501])("does not include %i", async (status) => {
    ask((m) => m.onPost().reply(status, { errcode: "M_UNKNOWN", retry_after_ms: 1 }));
    await settled(1);
    expect(sent()).toBe(1);
    expect(results[0]).toMatchObject({ status, errcode: "M_UNKNOWN" });
  });

  it("is not tried again once nobody waits", async () => {
    ask((m) => m.onPost().reply(502));
    await turn();
    await waiting(1);
    subscription.unsubscribe();
    expect(time.pending).toBe(0);
    time.advance(60_000);
    await turn();
    expect(sent()).toBe(1);
  });
});

describe("a server that is slow", () => {
  let server: LoopbackServer;
  beforeEach(async () => {
    server = await new LoopbackServer().start();
  });
  afterEach(() => server.stop());

  it("sees the request aborted when the last one unsubscribes", async () => {
    const results: unknown[] = [];
    const subscription = axiosKeysApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" }))
      .query(request)
      .subscribe({ next: (value) => results.push(value), error: (error: unknown) => results.push(error) });
    const seen = await server.request(0);
    expect(seen.aborted).toBe(false);
    subscription.unsubscribe();
    await vi.waitFor(() => expect(seen.aborted).toBe(true));
    expect(results).toEqual([]);
  });

  it.each([
    [undefined, 70_000],
    [120_000, 180_000],
  ])("has the timeout of %s ms and a minute more, then the request is aborted", async (timeout, deadline) => {
    const time = new ManualTime();
    const results: unknown[] = [];
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "x" });
    axiosKeysApi(http, { scheduler: time })
      .query(timeout === undefined ? request : { ...request, timeout })
      .subscribe({ next: (value) => results.push(value), error: (error: unknown) => results.push(error) });
    const seen = await server.request(0);
    time.advance(deadline - 1);
    expect(results).toEqual([]);
    time.advance(1);
    expect(results).toMatchObject([{ name: "ConnectionError", endpoint: "/keys/query", deadline }]);
    await vi.waitFor(() => expect(seen.aborted).toBe(true));
    expect(time.pending).toBe(0);
    expect(server.requests).toHaveLength(1);
  });

  it("is waited for though the timeout is longer than a timer of the platform can be", async () => {
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "x" });
    const answer = firstValueFrom(axiosKeysApi(http).query({ ...request, timeout: 1e12 }));
    const seen = await server.request(0);
    await new Promise((done) => setTimeout(done, 20)); // begun later and longer than the 1 ms that Node makes of such a timer: whatever the machine, that one has fired by then
    seen.answer(200, { device_keys: {} });
    await expect(answer).resolves.toEqual({ device_keys: {} });
  });

  it("is waited for though the instance has a shorter time-out of its own", async () => {
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "x" });
    http.defaults.timeout = 30;
    const answer = firstValueFrom(axiosKeysApi(http).query(request));
    const seen = await server.request(0);
    await new Promise((done) => setTimeout(done, 80)); // begun later and longer: whatever the machine, a timer of 30 ms has fired by then
    seen.answer(200, { device_keys: {} });
    await expect(answer).resolves.toEqual({ device_keys: {} });
    expect(server.requests).toHaveLength(1);
  });
});
