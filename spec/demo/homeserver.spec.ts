import { createPublicKey, verify } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startHomeserver } from "../../demo/homeserver/start-homeserver.mjs";

const BOB = "@bob:home.example";
const CAROL = "@carol:home.example";
const DAVE = "@dave:elsewhere.example";

let homeserver: Awaited<ReturnType<typeof startHomeserver>>;
beforeEach(async () => {
  homeserver = await startHomeserver({ latency: 0 });
});
afterEach(() => homeserver.stop());

/** A response as JSON, of any shape. */
type Json = ReturnType<typeof JSON.parse>;

interface Answer {
  readonly status: number;
  readonly body: Json;
}

async function ask(
  method: string,
  path: string,
  { body, token = "demo", signal }: { body?: object; token?: string; signal?: AbortSignal } = {},
): Promise<Answer> {
  const response = await fetch(`${homeserver.url}${path}`, {
    method,
    headers: {
      ...(token !== "" && { authorization: `Bearer ${token}` }),
      ...(body && { "content-type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  return { status: response.status, body: await response.json() };
}

const sync = (since?: string, timeout = 5_000) =>
  ask("GET", `/_matrix/client/v3/sync?timeout=${timeout}${since === undefined ? "" : `&since=${since}`}`).then(
    ({ body }) => body,
  );
const query = (...users: string[]) =>
  ask("POST", "/_matrix/client/v3/keys/query", {
    body: { device_keys: Object.fromEntries(users.map((user) => [user, []])) },
  }).then(({ body }) => body);
const control = (action: string, body: object) => ask("POST", `/control/${action}`, { body });

describe("the demo's homeserver", () => {
  it("logs in as a device without keys", async () => {
    const { body: login } = await ask("POST", "/_matrix/client/v3/login", { body: {}, token: "" });
    const { body: whoami } = await ask("GET", "/_matrix/client/v3/account/whoami", { token: login.access_token });
    expect(whoami).toEqual({ user_id: login.user_id, device_id: login.device_id });
    expect(Object.keys((await query(login.user_id)).device_keys[login.user_id])).not.toContain(login.device_id);
  });

  it("announces no users in an initial sync", async () => {
    expect(await sync()).toEqual({ next_batch: expect.stringMatching(/^s0_/), rooms: expect.any(Object) });
  });

  it("holds a sync until a user changes, and then names them", async () => {
    const { next_batch: since } = await sync();
    const held = sync(since);
    await control("add-device", { user_id: BOB });
    expect(await held).toMatchObject({
      next_batch: expect.stringMatching(/^s1_/),
      device_lists: { changed: [BOB], left: [] },
    });
  });

  it("answers a sync without news at its timeout, with the same token", async () => {
    const { next_batch: since } = await sync();
    expect(await sync(since, 10)).toEqual({ next_batch: since });
  });

  it("returns the changes between two tokens; left and back is changed", async () => {
    const { next_batch: from } = await sync();
    await control("leave", { user_id: CAROL });
    const { next_batch: middle, device_lists } = await sync(from);
    expect(device_lists).toEqual({ changed: [], left: [CAROL] });
    await control("join", { user_id: CAROL });
    const { next_batch: to } = await sync(middle);
    expect((await ask("GET", `/_matrix/client/v3/keys/changes?from=${from}&to=${to}`)).body).toEqual({
      changed: [CAROL],
      left: [],
    });
  });

  it("announces no user who shares no room with us", async () => {
    await control("leave", { user_id: CAROL });
    const { next_batch: since } = await sync();
    await control("add-device", { user_id: CAROL });
    expect(await sync(since, 10)).toEqual({ next_batch: since });
  });

  it("returns devices that sign themselves", async () => {
    for (const [deviceId, device] of Object.entries<Json>((await query(BOB)).device_keys[BOB])) {
      const { signatures, unsigned, ...signed } = device;
      expect(unsigned.device_display_name).toMatch(/^Bob’s /);
      const key = createPublicKey({
        format: "jwk",
        key: {
          kty: "OKP",
          crv: "Ed25519",
          x: Buffer.from(signed.keys[`ed25519:${deviceId}`], "base64").toString("base64url"),
        },
      });
      const bytes = Buffer.from(JSON.stringify(sorted(signed)));
      expect(verify(null, bytes, key, Buffer.from(signatures[BOB][`ed25519:${deviceId}`], "base64"))).toBe(true);
    }
  });

  it("adds a device and logs it out again", async () => {
    const before = Object.keys((await query(BOB)).device_keys[BOB]);
    const { body: added } = await control("add-device", { user_id: BOB });
    expect(Object.keys((await query(BOB)).device_keys[BOB])).toEqual([...before, added.device_id]);
    await control("remove-device", { user_id: BOB });
    expect(Object.keys((await query(BOB)).device_keys[BOB])).toEqual(before);
  });

  it("names a server that is down, and announces its users when it is back", async () => {
    const { next_batch: since } = await sync();
    await control("server-down", { server: "elsewhere.example" });
    const { device_keys, failures } = await query(BOB, DAVE);
    expect(Object.keys(device_keys)).toEqual([BOB]);
    expect(failures).toEqual({ "elsewhere.example": expect.objectContaining({ status: 503 }) });
    expect((await control("add-device", { user_id: DAVE })).status).toBe(409);
    await control("server-up", { server: "elsewhere.example" });
    expect((await sync(since)).device_lists.changed).toEqual([DAVE]);
    expect(Object.keys((await query(DAVE)).device_keys)).toEqual([DAVE]);
  });

  it("answers a slow query as of its arrival", async () => {
    const { next_batch: since } = await sync();
    const before = Object.keys((await query(BOB)).device_keys[BOB]);
    await control("slow-next-query", { answer_after: 200, change_after: 20, change_user_id: BOB });
    const slow = query(BOB);
    expect((await sync(since)).device_lists.changed).toEqual([BOB]); // while the query is held
    expect(Object.keys((await query(BOB)).device_keys[BOB])).toHaveLength(before.length + 1); // only one is slow
    expect(Object.keys((await slow).device_keys[BOB])).toEqual(before);
  });

  it("drops a request whose client has disconnected", async () => {
    const { next_batch: since } = await sync();
    const giveUp = new AbortController();
    const held = ask("GET", `/_matrix/client/v3/sync?timeout=60000&since=${since}`, { signal: giveUp.signal });
    giveUp.abort();
    await expect(held).rejects.toThrow("abort");
    expect(await sync(since, 10)).toEqual({ next_batch: since }); // and goes on
  });

  it.each<[string, string, string, object | undefined, string, number, string]>([
    ["no token", "GET", "/_matrix/client/v3/sync", undefined, "", 401, "M_MISSING_TOKEN"],
    ["an unknown token", "GET", "/_matrix/client/v3/sync", undefined, "nonsense", 401, "M_UNKNOWN_TOKEN"],
    [
      "a position of another run",
      "GET",
      "/_matrix/client/v3/sync?since=s4_FFFFFFFF",
      undefined,
      "demo",
      400,
      "M_UNKNOWN",
    ],
    ["a query without device_keys", "POST", "/_matrix/client/v3/keys/query", {}, "demo", 400, "M_BAD_JSON"],
    ["an unknown endpoint", "GET", "/_matrix/client/v3/nothing", undefined, "demo", 404, "M_UNRECOGNIZED"],
    [
      "an unknown user",
      "POST",
      "/control/add-device",
      { user_id: "@unknown:home.example" },
      "demo",
      404,
      "M_NOT_FOUND",
    ],
  ])("refuses %s with a Matrix error", async (_, method, path, body, token, status, errcode) => {
    const answer = await ask(method, path, { token, ...(body && { body }) });
    expect(answer).toEqual({ status, body: { errcode, error: expect.any(String) } });
  });

  it("allows other pages to call the Matrix API only", async () => {
    const headersOf = async (path: string) =>
      (await fetch(`${homeserver.url}${path}`, { method: "OPTIONS" })).headers.get("access-control-allow-origin");
    expect(await headersOf("/_matrix/client/v3/sync")).toBe("*");
    expect(await headersOf("/control/leave")).toBeNull();
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
