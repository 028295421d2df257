import { defer, of } from "rxjs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { matrixHttp, syncResponses } from "matrix-device-tracker/http";
import { inOneTab } from "matrix-device-tracker/tabs";
import { LoopbackServer } from "../http/loopback-server.js";
import { FakeBrowser } from "./fake-tabs.js";

let server: LoopbackServer;
beforeEach(async () => {
  server = await new LoopbackServer().start();
});
afterEach(async () => {
  await server.stop();
  vi.unstubAllGlobals();
});

it("a tab that wakes and leads again syncs from the token saved in the meantime", async () => {
  const tab = new FakeBrowser().tab();
  let saved = "s1";
  const http = matrixHttp({ homeserverUrl: server.url, accessToken: "secret" });
  const sync$ = syncResponses(http, { since$: defer(() => of(saved)) }).pipe(inOneTab("sync"));
  const received: string[] = [];
  const subscription = tab.run(() => sync$.subscribe(({ next_batch }) => received.push(next_batch)));
  const lastSince = () => server.requests.at(-1)?.query.since;

  (await server.request(0)).answer(200, { next_batch: "s2" });
  await vi.waitFor(() => expect(lastSince()).toBe("s2"));
  tab.freeze();
  await vi.waitFor(() => expect(server.requests.at(-1)?.aborted).toBe(true));
  saved = "s5"; // by another tab
  tab.resume();
  await vi.waitFor(() => expect(lastSince()).toBe("s5"));
  expect(received).toEqual(["s2"]);
  tab.run(() => subscription.unsubscribe());
});
