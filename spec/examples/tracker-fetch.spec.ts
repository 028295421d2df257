import { Subject } from "rxjs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { trackerFetch } from "../../examples/matrix-js-sdk/tracker-fetch.js";
import { DeviceTracker } from "../../src/device-tracker.js";
import type { SyncResponse } from "../../src/model/wire.js";
import { LoopbackServer, type SeenRequest } from "../http/loopback-server.js";
import { keysApiOf, type ScriptedKeysApi } from "../support/keys-api-of.js";
import { ALICE, BOB } from "../support/users.js";

let answer: (request: SeenRequest) => void;
let server: LoopbackServer;
let fetchFn: typeof fetch;
let passed: SyncResponse[];
let distrusted: number;
let keysApi: ScriptedKeysApi;

beforeEach(async () => {
  server = new LoopbackServer((request) => {
    answer(request);
  });
  await server.start();
  const sync$ = new Subject<SyncResponse>();
  keysApi = keysApiOf([]);
  const tracker = new DeviceTracker({ userId: ALICE, keysApi, sync$ });
  const distrustLists = () => {
    distrusted++;
    return Promise.resolve();
  };
  fetchFn = trackerFetch({ tracker, userId: ALICE, sync$, distrustLists });
  distrusted = 0;
  passed = [];
  sync$.subscribe((response) => passed.push(response));
});
afterEach(() => server.stop());

const poll = (query: string) => fetchFn(`${server.url}/_matrix/client/v3/sync${query}`);

it("passes each response to the tracker, with the token that was sent, before it returns it", async () => {
  answer = (request) => {
    request.answer(200, { next_batch: "s2", rooms: {} });
  };
  const initial = await poll("?timeout=0");
  expect(passed).toEqual([{ next_batch: "s2", rooms: {}, since: null }]);
  expect(await initial.json()).toEqual({ next_batch: "s2", rooms: {} });
  expect(distrusted).toBe(1);
  await poll("?since=s1&timeout=0");
  expect(distrusted).toBe(1);
  expect(passed[1]).toEqual({ next_batch: "s2", rooms: {}, since: "s1" });
});

it("passes no refusal to the tracker", async () => {
  answer = (request) => {
    request.answer(401, { errcode: "M_UNKNOWN_TOKEN" });
  };
  const refused = await poll("?since=s1");
  expect([refused.status, await refused.json()]).toEqual([401, { errcode: "M_UNKNOWN_TOKEN" }]);
  expect(passed).toEqual([]);
});

it("fails if a response is not JSON, and passes the next one", async () => {
  answer = (request) => {
    request.answer(200, "<html>");
  };
  await expect(poll("?since=s1")).rejects.toThrow(SyntaxError);
  answer = (request) => {
    request.answer(200, { next_batch: "s2" });
  };
  await poll("?since=s1");
  expect(passed).toEqual([{ next_batch: "s2", since: "s1" }]);
});

it("sends no query that was aborted before", async () => {
  const url = `${server.url}/_matrix/client/v3/keys/query`;
  const query = { body: JSON.stringify({ device_keys: { [BOB]: [] } }), signal: AbortSignal.abort() };
  await expect(fetchFn(url, query)).rejects.toThrow("aborted");
  expect(keysApi.requests).toEqual([]);
});

it("sends other requests as they are", async () => {
  answer = (request) => {
    request.answer(200, { seen: [request.method, request.path, request.body] });
  };
  const url = new URL(`${server.url}/_matrix/client/v3/keys/upload`);
  const response = await fetchFn(new Request(url, { method: "POST", body: '{"one_time_keys":{}}' }));
  expect(await response.json()).toEqual({ seen: ["POST", url.pathname, { one_time_keys: {} }] });
  expect(passed).toEqual([]);
});
