import axios, { type AxiosInstance } from "axios";
import { firstValueFrom, lastValueFrom, toArray } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { axiosKeysApi } from "../../src/http/axios-keys-api.js";
import { MatrixError } from "../../src/http/matrix-error.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { InvalidResponseError } from "../../src/model/errors.js";
import { LoopbackServer } from "./loopback-server.js";
import { ManualTime } from "../support/manual-time.js";
import { type MockAdapter, mockAdapter } from "./mock-adapter.js";

const BOB = "@bob:example.org";
const request = { device_keys: { [BOB]: [] } } as { device_keys: Record<string, []> };

describe("requests", () => {
  function given(): { api: ReturnType<typeof axiosKeysApi>; mock: MockAdapter } {
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: "secret" });
    return { api: axiosKeysApi(http), mock: mockAdapter(http) };
  }

  it("query devices without a timeout if the caller gave none", async () => {
    const { api, mock } = given();
    mock.onPost("/keys/query").reply(200, { device_keys: {}, "org.example.more": 1, unanswered: [BOB] });
    await expect(lastValueFrom(api.query(request).pipe(toArray()))).resolves.toEqual([
      { device_keys: {}, "org.example.more": 1 },
    ]);
    const sent = mock.history.post?.[0];
    expect(JSON.parse(String(sent?.data))).toEqual({ device_keys: { [BOB]: [] } });
    expect(sent?.params).toEqual({});
    expect(sent?.headers).toMatchObject({ Authorization: "Bearer secret", "Content-Type": "application/json" });
  });

  it("send the timeout in the body and in the query string, even if it is 0", async () => {
    for (const timeout of [1234, 0]) {
      const { api, mock } = given();
      mock.onPost("/keys/query").reply(200, { device_keys: {} });
      await firstValueFrom(api.query({ ...request, timeout }));
      const sent = mock.history.post?.[0];
      expect(JSON.parse(String(sent?.data))).toEqual({ device_keys: { [BOB]: [] }, timeout });
      expect(sent?.params).toEqual({ timeout });
    }
  });

  it.each([-1, 1_500.5, Number.NaN, Number.POSITIVE_INFINITY])("are not sent with a timeout of %d", async (timeout) => {
    const { api, mock } = given();
    await expect(firstValueFrom(api.query({ ...request, timeout }))).rejects.toThrow(RangeError);
    expect(mock.history.post ?? []).toHaveLength(0);
  });

  it("request the changes between two tokens", async () => {
    const { api, mock } = given();
    mock.onGet("/keys/changes").reply(200, { changed: [BOB] });
    await expect(firstValueFrom(api.changes({ from: "s1+&", to: "s2" }))).resolves.toEqual({ changed: [BOB] });
    expect(mock.history.get?.[0]?.params).toEqual({ from: "s1+&", to: "s2" });
  });

  it("are sent on each subscription, and not before", async () => {
    const { api, mock } = given();
    mock.onPost("/keys/query").reply(200, { device_keys: {} });
    const query$ = api.query(request);
    expect(mock.history.post ?? []).toHaveLength(0);
    await firstValueFrom(query$);
    await firstValueFrom(query$);
    expect(mock.history.post).toHaveLength(2);
  });
});

describe("an invalid response", () => {
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
    ["{}", "device_keys"],
    ['{"status": "login required"}', "device_keys"],
    ['{"errcode": "M_LIMIT_EXCEEDED"}', "errcode"],
    ['{"device_keys": {}, "errcode": "M_UNKNOWN"}', "errcode"],
    ['{"device_keys": 5}', "device_keys"],
    ['{"device_keys": []}', "device_keys"],
    ['{"failures": "x"}', "failures"],
    ['{"master_keys": [1]}', "master_keys"],
  ])("is an error at once: %j from /keys/query", async (response, path) => {
    body = response;
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
    ["{}", "changed"],
    ['{"status": "login required"}', "changed"],
    ['{"changed": [], "errcode": "M_UNKNOWN"}', "errcode"],
    ['{"changed": {}}', "changed"],
    ['{"left": "x"}', "left"],
  ])("is an error at once: %j from /keys/changes", async (response, path) => {
    body = response;
    const error: unknown = await firstValueFrom(
      axiosKeysApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" })).changes({ from: "a", to: "b" }),
    ).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: "InvalidResponseError", endpoint: "/keys/changes", path });
  });

  it.each(['{"changed": null}', '{"left": []}'])("is not one with one list only: %s", async (response) => {
    body = response;
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "x" });
    await expect(firstValueFrom(axiosKeysApi(http).changes({ from: "a", to: "b" }))).resolves.toEqual(
      JSON.parse(response),
    );
  });

  it("is not one with names such as __proto__", async () => {
    body = '{"device_keys": {"__proto__": {"polluted": {}}, "constructor": {}}}';
    const response = await firstValueFrom(
      axiosKeysApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" })).query(request),
    );
    expect(Object.keys(response.device_keys ?? {})).toEqual(["__proto__", "constructor"]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("a long response", () => {
  const answering = (device_keys: object) => {
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: "secret" });
    mockAdapter(http).onPost("/keys/query").reply(200, JSON.stringify({ device_keys }));
    return axiosKeysApi(http);
  };
  const devices = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`D${i}`, {}]));
  const CAROL = "@carol:example.org";

  it("is the same as any other", async () => {
    const device_keys = { [BOB]: devices(90_000), [CAROL]: { C1: {} } };
    expect(await firstValueFrom(answering(device_keys).query(request))).toEqual({ device_keys });
  });

  it("has no devices of a user who would block the page with them: only that user is not reached", async () => {
    const { device_keys } = await firstValueFrom(
      answering({ [BOB]: devices(100_001), [CAROL]: { C1: {} } }).query(request),
    );
    expect(device_keys).toEqual({ [BOB]: "an object with too many members", [CAROL]: { C1: {} } });
  });

  it("with an error is parsed, too", async () => {
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: "secret" });
    const body = JSON.stringify({ errcode: "M_UNKNOWN_TOKEN", soft_logout: true, more: "x".repeat(600_000) });
    mockAdapter(http).onPost("/keys/query").reply(401, body);
    await expect(firstValueFrom(axiosKeysApi(http).query(request))).rejects.toMatchObject({
      errcode: "M_UNKNOWN_TOKEN",
      softLogout: true,
    });
  });

  it("that is no JSON is refused", async () => {
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: "secret" });
    mockAdapter(http)
      .onPost("/keys/query")
      .reply(200, `<html>${"x".repeat(600_000)}`);
    await expect(firstValueFrom(axiosKeysApi(http).query(request))).rejects.toThrow("a JSON object, not HTML");
  });
});

describe("a transient failure", () => {
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
  function query(script: (mock: MockAdapter) => unknown, http: AxiosInstance = axios.create()): void {
    mock = mockAdapter(http);
    script(mock);
    subscription = axiosKeysApi(http, { scheduler: time })
      .query(request)
      .subscribe({ next: (value) => results.push(value), error: (error: unknown) => results.push(error) });
  }
  /** Resolves once the n-th attempt has failed and the next one is scheduled. */
  const waiting = (n: number): Promise<void> =>
    vi.waitFor(
      () => {
        expect(sent()).toBe(n);
        expect(time.pending).toBe(1);
      },
      { interval: 1 },
    );
  /** Lets a response arrive: mocked responses take promises, but no time. */
  const turn = (): Promise<void> => new Promise((done) => setTimeout(done));

  it.each([408, 425, 429, 500, 502, 503, 504, 520, 525, 530])(
    "(%i) is retried twice, and then is an error",
    async (status) => {
      query((m) => m.onPost().reply(status));
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
      expect(sent() - (status >= 500 ? 1 : 0)).toBe(3); // after 5xx, one more query tells whether the server works
      expect(results[0]).toMatchObject({ name: "MatrixError", status });
    },
  );

  it("(no connection) is retried, and the response is emitted", async () => {
    query((m) => m.onPost().networkErrorOnce().onPost().reply(200, { device_keys: {} }));
    await turn();
    await waiting(1);
    time.advance(1_500);
    await settled(1);
    expect(results).toEqual([{ device_keys: {} }]);
  });

  it.each([
    ["retry_after_ms", { retry_after_ms: 20_000 }, {}],
    ["Retry-After", {}, { "Retry-After": "20" }],
  ])("is retried when the server says (%s)", async (_how, body, headers) => {
    query((m) => m.onPost().replyOnce(429, body, headers).onPost().reply(200, { device_keys: {} }));
    await turn();
    await waiting(1);
    time.advance(19_999);
    await turn();
    expect(sent()).toBe(1);
    time.advance(1);
    await settled(1);
    expect(results).toEqual([{ device_keys: {} }]);
  });

  it("is an error at once if the server requires more than 30 s", async () => {
    query((m) => m.onPost().reply(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 30_001 }));
    await settled(1);
    expect(results[0]).toMatchObject({ errcode: "M_LIMIT_EXCEEDED", retryAfter: 30_001 });
    expect(sent()).toBe(1);
  });

  it("is an error if the waits add up to more than 30 s", async () => {
    query((m) => m.onPost().reply(429, { retry_after_ms: 16_000 }));
    await turn();
    await waiting(1);
    time.advance(16_000);
    await settled(1);
    expect(sent()).toBe(2);
  });

  it("(accessToken throws) is retried", async () => {
    const accessToken = vi
      .fn(() => "secret")
      .mockImplementationOnce(() => {
        throw new TypeError("fetch failed");
      });
    query(
      (m) => m.onPost().reply(200, { device_keys: {} }),
      matrixHttp({ homeserverUrl: "https://example.org", accessToken }),
    );
    await turn();
    await waiting(0);
    time.advance(1_500);
    await settled(1);
    expect(results).toEqual([{ device_keys: {} }]);
  });

  it("(the server of accessToken refuses) is retried", async () => {
    const refused = new MatrixError("https://id.example.org/token", 400, { errcode: "M_UNKNOWN" });
    const accessToken = vi
      .fn(() => "secret")
      .mockImplementationOnce(() => {
        throw refused;
      });
    query(
      (m) => m.onPost().reply(200, { device_keys: {} }),
      matrixHttp({ homeserverUrl: "https://example.org", accessToken }),
    );
    await turn();
    await waiting(0);
    time.advance(1_500);
    await settled(1);
    expect(results).toEqual([{ device_keys: {} }]);
  });

  it("(each new token is refused) is retried", async () => {
    let n = 0;
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: () => `token${++n}` });
    query(
      (m) => m.onPost().reply(() => (n < 4 ? [401, { errcode: "M_UNKNOWN_TOKEN" }] : [200, { device_keys: {} }])),
      http,
    );
    await turn();
    await waiting(3);
    time.advance(1_500);
    await settled(1);
    expect(results).toEqual([{ device_keys: {} }]);
  });

  it.each([400, 401, 403, 404, 409])("is not %i", async (status) => {
    query((m) => m.onPost().reply(status, { errcode: "M_UNKNOWN", retry_after_ms: 1 }));
    await settled(1);
    expect(sent()).toBe(1);
    expect(results[0]).toMatchObject({ status, errcode: "M_UNKNOWN" });
  });

  it("is not retried after unsubscribing", async () => {
    query((m) => m.onPost().reply(502));
    await turn();
    await waiting(1);
    subscription.unsubscribe();
    expect(time.pending).toBe(0);
    time.advance(60_000);
    await turn();
    expect(sent()).toBe(1);
  });
});

describe("a slow server", () => {
  let server: LoopbackServer;
  beforeEach(async () => {
    server = await new LoopbackServer().start();
  });
  afterEach(() => server.stop());

  it("sees the request aborted on unsubscribing", async () => {
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
  ])("has 60 s more than a timeout of %s ms until the request is aborted", async (timeout, deadline) => {
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

  it("is waited for, even if the timeout exceeds the platform's timers", async () => {
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "x" });
    const response = firstValueFrom(axiosKeysApi(http).query({ ...request, timeout: 1e12 }));
    const seen = await server.request(0);
    await new Promise((done) => setTimeout(done, 20)); // longer than the 1 ms to which Node reduces such a timer, so that one has fired
    seen.answer(200, { device_keys: {} });
    await expect(response).resolves.toEqual({ device_keys: {} });
  });

  it("is waited for, even if the instance has a shorter timeout", async () => {
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "x" });
    http.defaults.timeout = 30;
    const response = firstValueFrom(axiosKeysApi(http).query(request));
    const seen = await server.request(0);
    await new Promise((done) => setTimeout(done, 80)); // longer, and started later, so a timer of 30 ms has fired
    seen.answer(200, { device_keys: {} });
    await expect(response).resolves.toEqual({ device_keys: {} });
    expect(server.requests).toHaveLength(1);
  });
});
