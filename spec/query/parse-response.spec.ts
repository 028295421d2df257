import { afterEach, describe, expect, it } from "vitest";
import {
  MAX_DEVICE_LENGTH,
  MAX_DEVICES_PER_USER,
  MAX_LIST_LENGTH,
  MAX_REJECTED_ID_LENGTH,
  MAX_REJECTED_PER_USER,
} from "../../src/keys/limits.js";
import { parseResponse, type ParsedUser } from "../../src/query/parse-response.js";
import { InvalidResponseError } from "../../src/model/errors.js";
import { testDevice } from "../../src/testing/test-device.js";

const ME = "@me:example.org";
const BOB = "@bob:example.org";
const CAROL = "@carol:other.example:8448";
const key = (userId: string, usage: string) => ({
  user_id: userId,
  usage: [usage],
  keys: { [`ed25519:${usage}`]: usage },
});
const parse = (json: string): unknown => JSON.parse(json);

const BUILT_IN = Object.getOwnPropertyNames(Object.prototype).join();
afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype).join(), "Object.prototype").toBe(BUILT_IN);
});

function read(answer: unknown, asked: readonly string[] = [BOB]): ReadonlyMap<string, ParsedUser> {
  const parsed = parseResponse(answer, ME, 1_234);
  return new Map(asked.map((userId) => [userId, parsed(userId)]));
}
function bobs(answer: unknown): ParsedUser {
  const theirs = read(answer).get(BOB);
  if (theirs === undefined) expect.unreachable("nothing about somebody who was asked for");
  return theirs;
}

describe("an answer that is none as a whole", () => {
  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a page of HTML", "<html>"],
    ["a number", 5],
    ["a list", [{}]],
  ])("is refused: %s", (_, answer) => {
    expect(() => read(answer)).toThrow(InvalidResponseError);
    expect(() => read(answer)).toThrow(expect.objectContaining({ endpoint: "/keys/query", path: "" }));
  });

  it.each(["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"])(
    "is refused where %s is no object",
    (path) => {
      for (const section of [5, "x", true, [], [[BOB, {}]]]) {
        expect(() => read({ device_keys: {}, [path]: section })).toThrow(InvalidResponseError);
        expect(() => read({ device_keys: {}, [path]: section })).toThrow(
          expect.objectContaining({ endpoint: "/keys/query", path }),
        );
      }
    },
  );
});

describe("an answer", () => {
  it.each([
    ["nothing in it", {}],
    [
      "null for every section",
      { device_keys: null, failures: null, master_keys: null, self_signing_keys: null, user_signing_keys: null },
    ],
    ["null for a user", { device_keys: { [BOB]: null }, master_keys: { [BOB]: null } }],
    ["no devices for a user", { device_keys: { [BOB]: {} } }],
  ])("with %s says that the user has no devices", (_, answer) => {
    expect(bobs(answer)).toEqual({
      list: { deviceKeys: new Map(), rejected: new Map(), fetchedAt: 1_234 },
      reachable: true,
      refusals: [],
    });
  });

  it("gives devices verbatim, as the very objects", () => {
    const device = { ...testDevice(BOB, "PHONE"), extra: [1, { a: null }] };
    const { list } = bobs({ device_keys: { [BOB]: { PHONE: device } }, more: 1 });
    expect(list.deviceKeys.get("PHONE")).toBe(device);
  });

  it("gives an entry for everyone who was asked for, in that order, and for nobody else", () => {
    const answer = {
      device_keys: {
        [CAROL]: { C: testDevice(CAROL, "C") },
        "@mallory:evil.example": { M: testDevice("@mallory:evil.example", "M") },
      },
      master_keys: { "@mallory:evil.example": 5 },
    };
    const lists = read(answer, [BOB, CAROL]);
    expect(
      Array.from(lists, ([userId, { list, refusals }]) => [userId, [...list.deviceKeys.keys()], refusals]),
    ).toEqual([
      [BOB, [], []],
      [CAROL, ["C"], []],
    ]);
  });

  it("that is bad in one device costs only that device", () => {
    const { list, reachable, refusals } = bobs({
      device_keys: {
        [BOB]: {
          BAD: { user_id: BOB },
          PHONE: testDevice(BOB, "PHONE"),
          TABLET: testDevice(CAROL, "TABLET"),
          WATCH: testDevice(BOB, "PHONE"),
          HUGE: { ...testDevice(BOB, "HUGE"), x: "x".repeat(MAX_DEVICE_LENGTH) },
        },
      },
    });
    expect([...list.deviceKeys.keys()]).toEqual(["PHONE"]);
    expect(Array.from(list.rejected, ([deviceId, { code }]) => [deviceId, code])).toEqual([
      ["BAD", "malformed"],
      ["TABLET", "user-id-mismatch"],
      ["WATCH", "device-id-mismatch"],
      ["HUGE", "too-large"],
    ]);
    for (const { detail } of list.rejected.values()) expect(detail).not.toBe("");
    expect([reachable, refusals]).toEqual([true, []]);
  });

  it.each([
    ["a number", 5],
    ["a string", "x"],
    ["a list", [testDevice(BOB, "PHONE")]],
    ["true", true],
  ])("whose part of a user is %s leaves that user unreachable, says so, and gives the others", (_, part) => {
    const lists = read({ device_keys: { [BOB]: part, [CAROL]: { C: testDevice(CAROL, "C") } } }, [BOB, CAROL]);
    expect(lists.get(BOB)).toEqual({
      list: { deviceKeys: new Map(), rejected: new Map(), fetchedAt: 1_234 },
      reachable: false,
      refusals: [{ path: "device_keys", problem: expect.any(String) as string }],
    });
    expect([...(lists.get(CAROL)?.list.deviceKeys.keys() ?? [])]).toEqual(["C"]);
    expect(lists.get(CAROL)?.reachable).toBe(true);
  });

  it("that names a user's server in failures leaves them unreachable, and gives the devices that came all the same", () => {
    const lists = read(
      {
        device_keys: { [CAROL]: { C: testDevice(CAROL, "C") }, [BOB]: {} },
        failures: { "other.example:8448": { status: 503 }, "other.example": {} },
      },
      [BOB, CAROL],
    );
    expect([lists.get(CAROL)?.reachable, [...(lists.get(CAROL)?.list.deviceKeys.keys() ?? [])]]).toEqual([
      false,
      ["C"],
    ]);
    expect(lists.get(BOB)?.reachable).toBe(true);
  });

  it.each([null, false, 0, ""])("may say %j of a server that failed", (failure) => {
    expect(read({ failures: { "example.org": failure } }).get(BOB)?.reachable).toBe(false);
  });

  it.each(["__proto__", "constructor", "toString"])(
    "does not fail a server called %s because every object has that",
    (name) => {
      const userId = `@bob:${name}`;
      expect(read({ failures: {} }, [userId]).get(userId)?.reachable).toBe(true);
      expect(read(parse(`{"failures":{"${name}":{}}}`), [userId]).get(userId)?.reachable).toBe(false);
    },
  );

  it("gives cross-signing keys, and those that are none cost only themselves", () => {
    const { list, reachable, refusals } = bobs({
      device_keys: { [BOB]: { PHONE: testDevice(BOB, "PHONE") } },
      master_keys: { [BOB]: key(BOB, "master") },
      self_signing_keys: { [BOB]: key(BOB, "master") },
    });
    expect(list.masterKey).toEqual(key(BOB, "master"));
    expect(list).not.toHaveProperty("selfSigningKey");
    expect(refusals).toEqual([{ path: "self_signing_keys", problem: "usage: expected self_signing" }]);
    expect([reachable, list.deviceKeys.size]).toEqual([true, 1]);
  });

  it.each([5, [], "x", { user_id: BOB }, key("@mallory:evil.example", "master")])(
    "does not take %j for a user's master key",
    (value) => {
      const { list, refusals } = bobs({ master_keys: { [BOB]: value } });
      expect(list).not.toHaveProperty("masterKey");
      expect(refusals).toEqual([{ path: "master_keys", problem: expect.any(String) as string }]);
    },
  );

  it("is not asked for others' user-signing keys: only our own are ours to see", () => {
    const user_signing_keys = { [BOB]: key(BOB, "user_signing"), [ME]: key(ME, "user_signing") };
    const lists = read({ user_signing_keys }, [BOB, ME]);
    expect(lists.get(BOB)?.list).not.toHaveProperty("userSigningKey");
    expect(lists.get(BOB)?.refusals).toEqual([]);
    expect(lists.get(ME)?.list.userSigningKey).toBe(user_signing_keys[ME]);
  });
});

describe("names of JavaScript", () => {
  const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

  it.each(NAMES)("are names of devices: %s", (name) => {
    const { list } = bobs(
      parse(
        `{"device_keys":{"${BOB}":{"${name}":${JSON.stringify(testDevice(BOB, name))},"PHONE":${JSON.stringify(testDevice(BOB, "PHONE"))}}}}`,
      ),
    );
    expect([...list.deviceKeys.keys()].sort()).toEqual(["PHONE", name].sort());
    expect(list.deviceKeys.get(name)?.device_id).toBe(name);
  });

  it.each(NAMES)("are names of rejected devices: %s", (name) => {
    expect(bobs(parse(`{"device_keys":{"${BOB}":{"${name}":5}}}`)).list.rejected.get(name)?.code).toBe("malformed");
  });

  it("as sections change nothing", () => {
    expect(
      bobs(
        parse(
          `{"__proto__":{"device_keys":{"${BOB}":{"PHONE":${JSON.stringify(testDevice(BOB, "PHONE"))}}},"failures":5}}`,
        ),
      ).list.deviceKeys.size,
    ).toBe(0);
  });

  it("as users who were asked for find only what was sent", () => {
    for (const name of NAMES)
      expect(read({ device_keys: {}, master_keys: {} }, [name]).get(name)).toEqual({
        list: { deviceKeys: new Map(), rejected: new Map(), fetchedAt: 1_234 },
        reachable: true,
        refusals: [],
      });
  });
});

describe("what one user may send", () => {
  it("ends after so many devices; those beyond are named, and the first ones kept", () => {
    const devices = Object.fromEntries(
      Array.from({ length: MAX_DEVICES_PER_USER + 3 }, (_, i) => [
        `D${i}`,
        { user_id: BOB, device_id: `D${i}`, algorithms: [], keys: {} },
      ]),
    );
    const { list } = bobs({ device_keys: { [BOB]: devices } });
    expect(list.deviceKeys.size).toBe(MAX_DEVICES_PER_USER);
    expect(Array.from(list.rejected, ([deviceId, { code }]) => [deviceId, code])).toEqual(
      [0, 1, 2].map((i) => [`D${MAX_DEVICES_PER_USER + i}`, "too-many-devices"]),
    );
  });

  it("counts bad devices too", () => {
    const bad = Object.fromEntries(Array.from({ length: MAX_DEVICES_PER_USER }, (_, i) => [`B${i}`, null]));
    const { list } = bobs({ device_keys: { [BOB]: { ...bad, LAST: testDevice(BOB, "LAST") } } });
    expect(list.deviceKeys.size).toBe(0);
    expect(list.rejected.size).toBe(MAX_REJECTED_PER_USER);
  });

  it("ends after so many characters in all", () => {
    const filler = "x".repeat(60_000);
    const count = Math.ceil(MAX_LIST_LENGTH / 60_000) + 2;
    const devices = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `D${i}`,
        { user_id: BOB, device_id: `D${i}`, algorithms: [], keys: {}, filler },
      ]),
    );
    const { list } = bobs({
      device_keys: { [BOB]: { ...devices, SMALL: { user_id: BOB, device_id: "SMALL", algorithms: [], keys: {} } } },
    });
    const kept = [...list.deviceKeys.values()].reduce((sum, device) => sum + JSON.stringify(device).length, 0);
    expect(kept).toBeLessThanOrEqual(MAX_LIST_LENGTH);
    expect(kept).toBeGreaterThan(MAX_LIST_LENGTH - 130_000);
    expect(new Set(Array.from(list.rejected.values(), ({ code }) => code))).toEqual(new Set(["too-large"]));
    expect(list.deviceKeys.size + list.rejected.size).toBe(count + 1);
  });

  it("names refused devices up to a number, by names up to a length", () => {
    const long = "x".repeat(100_000);
    const devices = Object.fromEntries(
      Array.from({ length: MAX_REJECTED_PER_USER + 5 }, (_, i) => [`${i}${long.slice(0, 1_000)}`, null]),
    );
    const { list } = bobs({ device_keys: { [BOB]: devices } });
    expect(list.rejected.size).toBe(MAX_REJECTED_PER_USER);
    for (const deviceId of list.rejected.keys()) expect(deviceId.length).toBeLessThanOrEqual(MAX_REJECTED_ID_LENGTH);
  });

  it("is not what another user may not", () => {
    const devices = Object.fromEntries(Array.from({ length: MAX_DEVICES_PER_USER + 1 }, (_, i) => [`D${i}`, null]));
    const lists = read({ device_keys: { [BOB]: devices, [CAROL]: { C: testDevice(CAROL, "C") } } }, [BOB, CAROL]);
    expect(lists.get(CAROL)?.list.deviceKeys.size).toBe(1);
  });
});
