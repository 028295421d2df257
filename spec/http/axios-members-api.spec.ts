import axios, { type AxiosInstance } from "axios";
import { firstValueFrom, lastValueFrom, toArray, type Observable } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { axiosMembersApi } from "../../src/http/axios-members-api.js";
import { MatrixError } from "../../src/http/matrix-error.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import type { MembersApi } from "../../src/rooms/members-api.js";
import { ManualTime } from "../support/manual-time.js";
import { LoopbackServer } from "./loopback-server.js";
import { type MockAdapter, mockAdapter } from "./mock-adapter.js";

const ROOM = "!room:example.org";
const PATH = "/rooms/!room%3Aexample.org";
const CHUNK = { chunk: [] };

const members = (api: MembersApi) => api.members({ roomId: ROOM });
const encryption = (api: MembersApi) => api.state({ roomId: ROOM, eventType: "m.room.encryption" });

/** Each method, with the endpoint that it requests. */
const METHODS: readonly (readonly [string, (api: MembersApi) => Observable<unknown>])[] = [
  [`${PATH}/members`, members],
  [`${PATH}/state/m.room.encryption/`, encryption],
];

describe("requests", () => {
  function given(): { api: MembersApi; mock: MockAdapter } {
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: "secret" });
    return { api: axiosMembersApi(http), mock: mockAdapter(http) };
  }

  it.each([
    [undefined, { not_membership: "leave" }],
    ["s1+&", { not_membership: "leave", at: "s1+&" }],
  ])("get the members of a room as of %s", async (at, params) => {
    const { api, mock } = given();
    mock.onGet(`${PATH}/members`).reply(200, CHUNK);
    const request = { roomId: ROOM, ...(at !== undefined && { at }) };
    await expect(lastValueFrom(api.members(request).pipe(toArray()))).resolves.toEqual([CHUNK]);
    const sent = mock.history.get?.[0];
    expect(sent?.params).toEqual(params);
    expect(sent?.data).toBeUndefined();
    expect(sent?.headers).toMatchObject({ Authorization: "Bearer secret" });
  });

  it.each(["m.room.encryption", "m.room.history_visibility"] as const)("get the state event %s", async (eventType) => {
    const { api, mock } = given();
    const content = { algorithm: "m.megolm.v1.aes-sha2", history_visibility: "joined" };
    mock.onGet(`${PATH}/state/${eventType}/`).reply(200, content);
    await expect(lastValueFrom(api.state({ roomId: ROOM, eventType }).pipe(toArray()))).resolves.toEqual([content]);
    expect(mock.history.get?.[0]?.params).toEqual({});
  });

  it.each(METHODS)("are sent on each subscription, and not before: %s", async (endpoint, get) => {
    const { api, mock } = given();
    mock.onGet(endpoint).reply(200, CHUNK);
    const response$ = get(api);
    expect(mock.history.get ?? []).toHaveLength(0);
    await firstValueFrom(response$);
    await firstValueFrom(response$);
    expect(mock.history.get).toHaveLength(2);
  });
});

describe("a URL", () => {
  let server: LoopbackServer;
  beforeEach(async () => {
    server = await new LoopbackServer((seen) => seen.answer(200, CHUNK)).start();
  });
  afterEach(() => server.stop());

  it.each([
    ["!room:example.org", "!room%3Aexample.org"],
    ["!a/b?c=d&e#f%2F:[::1]:8448", "!a%2Fb%3Fc%3Dd%26e%23f%252F%3A%5B%3A%3A1%5D%3A8448"],
    ["!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM", "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM"],
    ["!zimmer für alle:example.org", "!zimmer%20f%C3%BCr%20alle%3Aexample.org"],
  ])("encodes the room ID %s", async (roomId, encoded) => {
    const api = axiosMembersApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" }));
    await firstValueFrom(api.members({ roomId, at: "s1+&" }));
    await firstValueFrom(api.state({ roomId, eventType: "m.room.encryption" }));
    expect(server.requests.map(({ method, path, query }) => ({ method, path, query }))).toEqual([
      {
        method: "GET",
        path: `/_matrix/client/v3/rooms/${encoded}/members`,
        query: { not_membership: "leave", at: "s1+&" },
      },
      { method: "GET", path: `/_matrix/client/v3/rooms/${encoded}/state/m.room.encryption/`, query: {} },
    ]);
  });
});

describe("a refusal", () => {
  const answered = (status: number, body: object, get: (api: MembersApi) => Observable<unknown>) => {
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: "secret" });
    mockAdapter(http).onGet().reply(status, body);
    return firstValueFrom(get(axiosMembersApi(http)));
  };

  it("with 404 M_NOT_FOUND of a state event says that there is none", async () => {
    await expect(answered(404, { errcode: "M_NOT_FOUND" }, encryption)).resolves.toBeUndefined();
  });

  it.each([
    [403, "M_FORBIDDEN", encryption],
    [403, "M_GUEST_ACCESS_FORBIDDEN", encryption],
    [404, "M_UNRECOGNIZED", encryption], // no such endpoint
    [404, undefined, encryption], // a proxy's page
    [400, "M_NOT_FOUND", encryption],
    [403, "M_FORBIDDEN", members],
    [404, "M_NOT_FOUND", members],
    [404, undefined, members],
  ])("with %i %s is an error with its status", async (status, errcode, get) => {
    const body = errcode === undefined ? {} : { errcode };
    const error: unknown = await answered(status, body, get).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(MatrixError);
    expect(error).toMatchObject({ status, errcode });
  });
});

describe("an invalid response", () => {
  let server: LoopbackServer;
  let body: string;
  beforeEach(async () => {
    server = await new LoopbackServer((seen) => seen.answer(200, body)).start();
  });
  afterEach(() => server.stop());

  const bodies = ["<html>", "", '{"chunk": [', "[]", "null", "5", '"text"'].map((text) => [text, ""] as const);
  const error = ['{"chunk": [], "errcode": "M_UNKNOWN"}', "errcode"] as const;
  const cases = METHODS.flatMap(([endpoint, get]) =>
    (endpoint.endsWith("/members") ? [...bodies, error] : bodies).map(
      ([text, path]) => [text, endpoint, path, get] as const,
    ),
  );
  it.each(cases)("is an error at once: %j from %s", async (response, endpoint, path, get) => {
    body = response;
    const api = axiosMembersApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" }));
    await expect(firstValueFrom(get(api))).rejects.toMatchObject({ name: "InvalidResponseError", endpoint, path });
    expect(server.requests).toHaveLength(1);
  });
});

it("the content of a state event may have any property", async () => {
  const content = { history_visibility: "shared", errcode: "M_UNKNOWN" };
  const server = await new LoopbackServer((seen) => seen.answer(200, JSON.stringify(content))).start();
  const api = axiosMembersApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" }));
  const state$ = api.state({ roomId: "!room:example.org", eventType: "m.room.history_visibility" });
  await expect(firstValueFrom(state$)).resolves.toEqual(content);
  await server.stop();
});

describe.each(METHODS)("a transient failure of %s", (endpoint, get) => {
  let time: ManualTime;
  let mock: MockAdapter;
  let results: unknown[];
  let subscription: { unsubscribe(): void };
  const sent = (): number => (mock.history.get ?? []).length;
  const settled = (): Promise<void> => vi.waitFor(() => expect(results).toHaveLength(1), { interval: 1 });
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
  function subscribe(script: (mock: MockAdapter) => unknown, http: AxiosInstance = axios.create()): void {
    mock = mockAdapter(http);
    script(mock);
    subscription = get(axiosMembersApi(http, { scheduler: time })).subscribe({
      next: (value) => results.push(value),
      error: (error: unknown) => results.push(error),
    });
  }

  it.each([408, 425, 429, 500, 502, 503, 504, 520, 530])("(%i) is retried twice, then is an error", async (status) => {
    subscribe((m) => m.onGet(endpoint).reply(status));
    await turn();
    await waiting(1);
    time.advance(1_499);
    await turn();
    expect(sent()).toBe(1);
    time.advance(1);
    await turn();
    await waiting(2);
    time.advance(3_000);
    await settled();
    expect(sent()).toBe(3);
    expect(results[0]).toMatchObject({ name: "MatrixError", endpoint, status });
  });

  it("(no connection) is retried, and the response is emitted", async () => {
    subscribe((m) => m.onGet(endpoint).networkErrorOnce().onGet(endpoint).reply(200, CHUNK));
    await turn();
    await waiting(1);
    time.advance(1_500);
    await settled();
    expect(results).toEqual([CHUNK]);
  });

  it("is retried when the server says", async () => {
    subscribe((m) => m.onGet(endpoint).replyOnce(429, { retry_after_ms: 20_000 }).onGet(endpoint).reply(200, CHUNK));
    await turn();
    await waiting(1);
    time.advance(19_999);
    await turn();
    expect(sent()).toBe(1);
    time.advance(1);
    await settled();
    expect(results).toEqual([CHUNK]);
  });

  it("is an error at once if the server requires more than 30 s", async () => {
    subscribe((m) => m.onGet(endpoint).reply(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 30_001 }));
    await settled();
    expect(results[0]).toMatchObject({ errcode: "M_LIMIT_EXCEEDED", retryAfter: 30_001 });
    expect(sent()).toBe(1);
  });

  it("(accessToken throws) is retried", async () => {
    const accessToken = vi
      .fn(() => "secret")
      .mockImplementationOnce(() => {
        throw new TypeError("fetch failed");
      });
    const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken });
    subscribe((m) => m.onGet(endpoint).reply(200, CHUNK), http);
    await turn();
    await waiting(0);
    time.advance(1_500);
    await settled();
    expect(results).toEqual([CHUNK]);
  });

  it.each([400, 401, 403, 404, 409])("is not %i", async (status) => {
    subscribe((m) => m.onGet(endpoint).reply(status, { errcode: "M_UNKNOWN", retry_after_ms: 1 }));
    await settled();
    expect(sent()).toBe(1);
    expect(results[0]).toMatchObject({ status, errcode: "M_UNKNOWN" });
  });

  it("is not retried after unsubscribing", async () => {
    subscribe((m) => m.onGet(endpoint).reply(502));
    await turn();
    await waiting(1);
    subscription.unsubscribe();
    expect(time.pending).toBe(0);
    time.advance(60_000);
    await turn();
    expect(sent()).toBe(1);
  });
});

describe.each(METHODS)("a slow server, asked for %s,", (endpoint, get) => {
  let server: LoopbackServer;
  beforeEach(async () => {
    server = await new LoopbackServer().start();
  });
  afterEach(() => server.stop());

  it("sees the request aborted on unsubscribing", async () => {
    const results: unknown[] = [];
    const subscription = get(axiosMembersApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" }))).subscribe({
      next: (value) => results.push(value),
      error: (error: unknown) => results.push(error),
    });
    const seen = await server.request(0);
    expect(seen.aborted).toBe(false);
    subscription.unsubscribe();
    await vi.waitFor(() => expect(seen.aborted).toBe(true));
    expect(results).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it("has 90 s until the request is aborted", async () => {
    const time = new ManualTime();
    const results: unknown[] = [];
    const api = axiosMembersApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" }), { scheduler: time });
    const subscription = get(api).subscribe({ error: (error: unknown) => results.push(error) });
    const first = await server.request(0);
    time.advance(89_999);
    await new Promise((done) => setTimeout(done, 5));
    expect(first.aborted).toBe(false);
    time.advance(1);
    await vi.waitFor(() => expect(first.aborted).toBe(true));
    expect(results).toMatchObject([{ name: "ConnectionError", endpoint, deadline: 90_000 }]);
    expect(time.pending).toBe(0);
    expect(server.requests).toHaveLength(1);
    subscription.unsubscribe();
  });

  it("is waited for, even if the instance has a shorter timeout", async () => {
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "x" });
    http.defaults.timeout = 30;
    const response = firstValueFrom(get(axiosMembersApi(http)));
    const seen = await server.request(0);
    await new Promise((done) => setTimeout(done, 80)); // longer, and started later, so a timer of 30 ms has fired
    seen.answer(200, CHUNK);
    await expect(response).resolves.toEqual(CHUNK);
    expect(server.requests).toHaveLength(1);
  });
});
