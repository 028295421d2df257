import { config, map, type Observable, Subscription } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { axiosKeysApi } from "../../src/http/axios-keys-api.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { syncResponses } from "../../src/http/sync-responses.js";
import type { SyncFailure } from "../../src/model/problems.js";
import { ManualTime } from "../support/manual-time.js";
import { LoopbackServer } from "./loopback-server.js";

let server: LoopbackServer;
let subscriptions: Subscription;
let ended: unknown[];
let answer: { status: number; body: unknown };

beforeEach(async () => {
  server = await new LoopbackServer((request) => request.answer(answer.status, answer.body)).start();
  subscriptions = new Subscription();
  ended = [];
});
afterEach(async () => {
  subscriptions.unsubscribe();
  config.onUnhandledError = null;
  await server.stop();
});

const newHttp = () => matrixHttp({ homeserverUrl: server.url, accessToken: "secret" });
/** What these syncs of an application report through its keys API. */
function reported(http: ReturnType<typeof newHttp>): SyncFailure[] {
  const failures: SyncFailure[] = [];
  subscriptions.add(axiosKeysApi(http).syncFailures$?.subscribe((failure) => failures.push(failure)));
  return failures;
}
const start = (sync$: Observable<unknown>) =>
  subscriptions.add(sync$.subscribe({ error: (error: unknown) => ended.push(error) }));
const until = (what: () => void) => vi.waitFor(what, { timeout: 5_000, interval: 2 });

describe("a failed attempt of the sync loop", () => {
  it("is passed on by the keys API of the same instance, through any operators", async () => {
    answer = { status: 404, body: "<html>not here</html>" };
    const http = newHttp();
    const failures = reported(http);
    start(syncResponses(http, { scheduler: new ManualTime() }).pipe(map((response) => response)));
    await until(() => expect(failures).toHaveLength(1));
    expect(failures[0]).toMatchObject({
      error: { status: 404 },
      retryIn: expect.any(Number),
      message: expect.stringMatching(/^sync attempt 1 failed, next attempt in \d+ ms: .*404/u),
    });
  });

  it("is not passed on by the keys API of another instance", async () => {
    answer = { status: 404, body: {} };
    const failures = reported(newHttp());
    const reports: unknown[] = [];
    start(syncResponses(newHttp(), { scheduler: new ManualTime(), onFailure: (failure) => reports.push(failure) }));
    await until(() => expect(reports).toHaveLength(1));
    expect(failures).toEqual([]);
  });

  it("is passed on even if onFailure throws", async () => {
    config.onUnhandledError = () => {};
    answer = { status: 404, body: {} };
    const http = newHttp();
    const failures = reported(http);
    const onFailure = () => {
      throw new Error("a mistake in the application");
    };
    start(syncResponses(http, { scheduler: new ManualTime(), onFailure }));
    await until(() => expect(failures).toHaveLength(1));
  });
});

describe("the end of the sync loop", () => {
  it("is not passed on: it is the error of the stream", async () => {
    answer = { status: 401, body: { errcode: "M_UNKNOWN_TOKEN", error: "logged out" } };
    const http = newHttp();
    const failures = reported(http);
    start(syncResponses(http, { scheduler: new ManualTime() }));
    await until(() => expect(ended).toHaveLength(1));
    expect(failures).toEqual([]);
  });
});
