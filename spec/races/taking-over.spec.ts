import { defer, of } from "rxjs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { syncResponses } from "../../src/http/sync-responses.js";
import { shareAcrossTabs } from "../../src/tabs/share-across-tabs.js";
import { LoopbackServer } from "../http/loopback-server.js";
import { ManualTime } from "../support/manual-time.js";
import { fakePage, fakeTabs } from "../tabs/fake-tabs.js";

let server: LoopbackServer;
beforeEach(async () => {
  server = await new LoopbackServer().start();
});
afterEach(async () => {
  await server.stop();
  vi.unstubAllGlobals();
});

it("a tab that wakes and leads again syncs from what is saved by then, not from where it stood", async () => {
  fakeTabs();
  const page = fakePage();
  let saved = "s1";
  const scheduler = new ManualTime();
  const http = matrixHttp({ homeserverUrl: server.url, accessToken: "secret" });
  const sync$ = syncResponses(http, { since$: defer(() => of(saved)), scheduler }).pipe(
    shareAcrossTabs("sync", { scheduler }),
  );
  const got: string[] = [];
  const subscription = sync$.subscribe(({ next_batch }) => got.push(next_batch));
  const lastSince = () => server.requests.at(-1)?.query.since;

  (await server.request(0)).answer(200, { next_batch: "s2" });
  await vi.waitFor(() => {
    expect(lastSince()).toBe("s2");
  });
  page.document.dispatchEvent(new Event("freeze"));
  saved = "s5"; // by the tab that leads meanwhile
  page.document.dispatchEvent(new Event("resume"));
  await vi.waitFor(() => {
    expect(lastSince()).toBe("s5");
  });
  expect(got).toEqual(["s2"]);
  subscription.unsubscribe();
});
