import axios from "axios";
import { firstValueFrom } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { axiosKeysApi } from "../../src/http/axios-keys-api.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { testDevice } from "../../src/testing/test-device.js";
import { ManualTime } from "../support/manual-time.js";
import { LoopbackServer } from "./loopback-server.js";
import { mockAdapter } from "./mock-adapter.js";

const user = (n: number): string => `@user${n}:example.org`;
const requestFor = (count: number): { device_keys: Record<string, []> } => ({
  device_keys: Object.fromEntries(Array.from({ length: count }, (_, n) => [user(n), []])),
});

/** A homeserver that fails for some users. `answer` may respond to a query in another way. */
function homeserver(
  failing: readonly string[],
  answer?: (userIds: readonly string[]) => [number, unknown] | undefined,
) {
  const queries: (readonly string[])[] = [];
  const http = axios.create();
  mockAdapter(http)
    .onPost("/keys/query")
    .reply((config) => {
      const userIds = Object.keys((JSON.parse(String(config.data)) as { device_keys: object }).device_keys);
      queries.push(userIds);
      const other = answer?.(userIds);
      if (other !== undefined) return other;
      if (userIds.some((userId) => failing.includes(userId))) return [500, { errcode: "M_UNKNOWN" }];
      const device_keys = Object.fromEntries(userIds.map((userId) => [userId, { D: testDevice(userId, "D") }]));
      return [200, { device_keys, master_keys: { [userIds[0] ?? ""]: { keys: {} } } }];
    });
  return { http, queries };
}

/** The outcome, with waits skipped. */
async function outcome(http: ReturnType<typeof axios.create>, count: number, time = new ManualTime()) {
  let result: { value?: Record<string, unknown>; error?: unknown } | undefined;
  axiosKeysApi(http, { scheduler: time })
    .query(requestFor(count))
    .subscribe({ next: (value) => (result = { value }), error: (error: unknown) => (result = { error }) });
  while (result === undefined) {
    await new Promise((turn) => setTimeout(turn));
    time.advance(100);
  }
  expect(time.pending).toBe(0);
  return result;
}

describe("a query that fails with 5xx", () => {
  it("is split until the failing user is alone, and the others are answered", async () => {
    const { http, queries } = homeserver([user(2)]);
    const { value } = await outcome(http, 4);
    expect(queries.slice(3)).toEqual([[], [user(0), user(1)], [user(2), user(3)], [user(2)], [user(3)]]);
    expect(Object.keys(value?.device_keys ?? {})).toEqual([user(0), user(1), user(3)]);
    expect(Object.keys(value?.master_keys ?? {})).toEqual([user(0), user(3)]);
    expect(value?.unanswered).toEqual([user(2)]);
  });

  it("costs at most 20 requests if one of 250 users is the cause", async () => {
    const { http, queries } = homeserver([user(173)]);
    const { value } = await outcome(http, 250);
    expect(Object.keys(value?.device_keys ?? {})).toHaveLength(249);
    expect(value?.unanswered).toEqual([user(173)]);
    expect(queries.length).toBeLessThanOrEqual(20);
  });

  it("costs at most 36 requests if it fails for all users", async () => {
    const all = Array.from({ length: 250 }, (_, n) => user(n));
    const { http, queries } = homeserver(all);
    const { value } = await outcome(http, 250);
    expect([...((value?.unanswered ?? []) as string[])].sort()).toEqual(all.sort());
    expect(queries.length).toBeLessThanOrEqual(36);
  });

  it("leaves its only user unanswered", async () => {
    const { http, queries } = homeserver([user(0)]);
    expect((await outcome(http, 1)).value).toMatchObject({ device_keys: {}, unanswered: [user(0)] });
    expect(queries.slice(3)).toEqual([[]]);
  });

  it("is an error if the homeserver also fails without users", async () => {
    const { http, queries } = homeserver([], () => [503, "maintenance"]);
    expect((await outcome(http, 50)).error).toMatchObject({ name: "MatrixError", status: 503 });
    expect(queries).toHaveLength(4);
  });

  it("is not split if the server says when to come back", async () => {
    const { http, queries } = homeserver([], () => [503, { errcode: "M_UNKNOWN", retry_after_ms: 60_000 }]);
    expect((await outcome(http, 4)).error).toMatchObject({ status: 503, retryAfter: 60_000 });
    expect(queries).toHaveLength(1);
  });

  it("is an error if a part is refused in another way", async () => {
    const { http } = homeserver([user(0)], (ids) => (ids.length === 2 ? [403, { errcode: "M_FORBIDDEN" }] : undefined));
    expect((await outcome(http, 4)).error).toMatchObject({ status: 403, errcode: "M_FORBIDDEN" });
  });

  it.each([{}, { errcode: "M_UNKNOWN" }, { status: "login required" }])(
    "is an error if a part is answered with %j: no user loses a device",
    async (body) => {
      const { http } = homeserver([user(0)], (ids) => (ids.length === 2 ? [200, body] : undefined));
      expect((await outcome(http, 4)).error).toMatchObject({ name: "InvalidResponseError" });
    },
  );

  it("is split after rate limiting, too", async () => {
    let limited = 0;
    const { http } = homeserver([user(2)], (ids) =>
      ids.length === 2 && limited++ === 0 ? [429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 2_000 }] : undefined,
    );
    expect((await outcome(http, 4)).value?.unanswered).toEqual([user(2)]);
  });

  it("is split for at most 45 s", async () => {
    const time = new ManualTime();
    const { http, queries } = homeserver([user(0)], (ids) => {
      if (ids.length === 2) time.frame += 46_000;
      return undefined;
    });
    const { value } = await outcome(http, 4, time);
    expect(queries.slice(3)).toEqual([[], [user(0), user(1)]]);
    expect(value).toMatchObject({ device_keys: {} });
    expect([...((value?.unanswered ?? []) as string[])].sort()).toEqual([0, 1, 2, 3].map(user));
  });

  it("keeps names such as __proto__", async () => {
    const { http } = homeserver([user(0)], (ids) =>
      ids.length === 1 && ids[0] === user(1) ? [200, JSON.parse('{"device_keys":{"__proto__":{}}}')] : undefined,
    );
    const { value } = await outcome(http, 2);
    expect(Object.keys(value?.device_keys ?? {})).toEqual(["__proto__"]);
  });
});

describe("over HTTP", () => {
  let server: LoopbackServer;
  afterEach(() => server.stop());

  it("unsubscribing aborts the part that is requested", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    server = await new LoopbackServer().start();
    const time = new ManualTime();
    const api = axiosKeysApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" }), { scheduler: time });
    const subscription = api.query(requestFor(2)).subscribe();
    for (let n = 0; n < 3; n++) {
      (await server.request(n)).answer(500);
      await vi.waitFor(
        () => {
          time.advance(100);
          expect(server.requests).toHaveLength(n + 2);
        },
        { timeout: 5_000, interval: 2 },
      );
    }
    (await server.request(3)).answer(200, { device_keys: {} });
    const part = await server.request(4);
    expect(part.body).toEqual({ device_keys: { [user(0)]: [] } });
    subscription.unsubscribe();
    await vi.waitFor(() => expect(part.aborted).toBe(true));
    expect(time.pending).toBe(0);
    vi.restoreAllMocks();
  });

  it("a real failing batch is answered within its retries", async () => {
    server = await new LoopbackServer((request) => {
      const { device_keys } = request.body as { device_keys: object };
      if (Object.hasOwn(device_keys, user(1))) request.answer(502, "<html>bad gateway</html>");
      else request.answer(200, { device_keys: {} });
    }).start();
    vi.spyOn(Math, "random").mockReturnValue(0);
    const api = axiosKeysApi(matrixHttp({ homeserverUrl: server.url, accessToken: "x" }));
    await expect(firstValueFrom(api.query(requestFor(3)))).resolves.toMatchObject({ unanswered: [user(1)] });
    vi.restoreAllMocks();
  });
});
