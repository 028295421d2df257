import { lastValueFrom, toArray } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectionError } from "../../src/http/connection-error.js";
import { DeviceInUseError } from "../../src/http/device-in-use-error.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { ownDevice } from "../../src/http/own-device.js";
import { ManualTime } from "../support/manual-time.js";
import { ALICE, BOB } from "../support/users.js";
import { LoopbackServer } from "./loopback-server.js";

const OURS_FAILED = { "example.org": {} };
const WHO = { user_id: ALICE, device_id: "OURS", is_guest: false };

describe("ownDevice", () => {
  let whoami: unknown;
  let keys: unknown;
  let status: number;
  let server: LoopbackServer;
  beforeEach(async () => {
    [whoami, keys, status] = [WHO, { device_keys: { [ALICE]: { PHONE: {} } } }, 200];
    server = new LoopbackServer((request) => {
      request.answer(status, request.path.endsWith("/whoami") ? whoami : keys);
    });
    await server.start();
  });
  afterEach(() => server.stop());

  const http = () => matrixHttp({ homeserverUrl: server.url, accessToken: "secret" });
  const found = () => lastValueFrom(ownDevice(http()).pipe(toArray()));
  const failure = async (): Promise<unknown> =>
    found().then(
      () => undefined,
      (error: unknown) => error,
    );

  it("emits the user and the device of a token, and asks at each subscription", async () => {
    const device$ = ownDevice(http());
    expect(server.requests).toEqual([]);
    expect(await lastValueFrom(device$.pipe(toArray()))).toEqual([{ userId: ALICE, deviceId: "OURS" }]);
    await lastValueFrom(device$);
    const sent = server.requests.map(({ method, path, body }) => [
      method,
      path.replace("/_matrix/client/v3", ""),
      body,
    ]);
    const asked = [
      ["GET", "/account/whoami", undefined],
      ["POST", "/keys/query", { device_keys: { [ALICE]: [] } }],
    ];
    expect(sent).toEqual([...asked, ...asked]);
  });

  it.each<[string, unknown]>([
    ["we have no device with keys", { device_keys: {} }],
    ["only another user has a device of this name", { device_keys: { [BOB]: { OURS: {} } } }],
    ["our server is among the failures, but has answered", { device_keys: { [ALICE]: {} }, failures: OURS_FAILED }],
    ["only another server has failed", { device_keys: {}, failures: { "other.example": {} } }],
    ["its name is a property of every object", { device_keys: { [ALICE]: {} } }],
  ])("accepts a device if %s", async (what, answer) => {
    keys = answer;
    if (what.includes("property")) whoami = { ...WHO, device_id: "constructor" };
    expect(await found()).toHaveLength(1);
  });

  it.each<[DeviceInUseError["reason"], string | undefined, unknown, unknown, RegExp]>([
    ["has-keys", "OURS", WHO, { device_keys: { [ALICE]: { OURS: {} } } }, /OURS.*another client uses it.*room keys/u],
    ["has-keys", "OURS", WHO, { device_keys: { [ALICE]: { OURS: null } } }, /another client uses it/u],
    ["keys-unknown", "OURS", WHO, { failures: {} }, /which of your devices have keys/u],
    ["keys-unknown", "OURS", WHO, { device_keys: [] }, /which of your devices have keys/u],
    ["keys-unknown", "OURS", WHO, { device_keys: {}, failures: OURS_FAILED }, /which of your devices have/u],
    ["device-unknown", undefined, { user_id: ALICE }, {}, /which device this token belongs to/u],
    ["device-unknown", undefined, { user_id: ALICE, device_id: 1 }, {}, /which device this token belongs to/u],
    ["device-unknown", undefined, { device_id: "OURS" }, {}, /which device this token belongs to/u],
  ])("fails with DeviceInUseError, %s (%s)", async (reason, deviceId, who, answer, message) => {
    [whoami, keys] = [who, answer];
    const error = await failure();
    expect(error).toBeInstanceOf(DeviceInUseError);
    expect(error).toMatchObject({ name: "DeviceInUseError", reason, deviceId });
    expect((error as Error).message).toMatch(message);
    expect(server.requests.some(({ path }) => path.endsWith("/sync"))).toBe(false);
  });

  it.each<[string, number, unknown]>([
    ["MatrixError", 401, { errcode: "M_UNKNOWN_TOKEN" }],
    ["InvalidResponseError", 200, []],
  ])("fails with %s if the server returns %i", async (name, code, body) => {
    [status, whoami, keys] = [code, body, body];
    expect(await failure()).toMatchObject({ name });
    whoami = WHO;
    expect(await failure()).toMatchObject({ name });
  });

  it.each([[null], [[]], ["none"]])("fails with InvalidResponseError if our devices are %j", async (devices) => {
    keys = { device_keys: { [ALICE]: devices } };
    expect(await failure()).toMatchObject({ name: "InvalidResponseError", path: `device_keys.${ALICE}` });
  });

  it("gives a server that never answers 90 s, and aborts the request", async () => {
    const silent = await new LoopbackServer().start();
    const time = new ManualTime();
    const errors: unknown[] = [];
    ownDevice(matrixHttp({ homeserverUrl: silent.url, accessToken: "secret" }), { scheduler: time }).subscribe({
      error: (error: unknown) => errors.push(error),
    });
    await vi.waitFor(() => expect(silent.requests).toHaveLength(1));
    time.advance(90_000);
    expect(errors).toEqual([expect.any(ConnectionError)]);
    await vi.waitFor(() => expect(silent.requests[0]?.aborted).toBe(true));
    await silent.stop();
  });
});
