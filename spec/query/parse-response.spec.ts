import { afterEach, describe, expect, it } from "vitest";
import {
  MAX_DEVICE_LENGTH,
  MAX_DEVICES_PER_USER,
  MAX_LISTED_DEVICES_PER_USER,
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

function read(response: unknown, requested: readonly string[] = [BOB]): ReadonlyMap<string, ParsedUser> {
  const parsed = parseResponse(response, ME, 1_234);
  return new Map(requested.map((userId) => [userId, parsed.parseUser(userId)]));
}
function bobs(response: unknown): ParsedUser {
  const theirs = read(response).get(BOB);
  if (theirs === undefined) expect.unreachable("nothing about a requested user");
  return theirs;
}

describe("an invalid response", () => {
  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a page of HTML", "<html>"],
    ["a number", 5],
    ["an array", [{}]],
  ])("throws: %s", (_, response) => {
    expect(() => read(response)).toThrow(InvalidResponseError);
    expect(() => read(response)).toThrow(expect.objectContaining({ endpoint: "/keys/query", path: "" }));
  });

  it.each(["device_keys", "failures", "master_keys", "self_signing_keys", "user_signing_keys"])(
    "throws if %s is not an object",
    (path) => {
      for (const section of [5, "x", true, [], [[BOB, {}]]]) {
        expect(() => read({ device_keys: {}, [path]: section })).toThrow(InvalidResponseError);
        expect(() => read({ device_keys: {}, [path]: section })).toThrow(
          expect.objectContaining({ endpoint: "/keys/query", path }),
        );
      }
    },
  );

  it.each([
    ["none of the known sections", {}],
    ["unknown sections only", { one_time_keys: {}, failure: {} }],
    ["inherited sections", Object.create({ device_keys: {} })],
  ])("throws if there are %s", (_, response) => {
    expect(() => read(response)).toThrow('"device_keys" should be present');
  });

  it("throws if there is an errcode, even with other sections", () => {
    expect(() => read({ device_keys: {}, errcode: "M_UNKNOWN" })).toThrow('"errcode" should be absent');
  });
});

describe("a response", () => {
  it.each([
    [
      "null for all sections",
      { device_keys: null, failures: null, master_keys: null, self_signing_keys: null, user_signing_keys: null },
    ],
    ["null for a user", { device_keys: { [BOB]: null }, master_keys: { [BOB]: null } }],
    ["no devices for a user", { device_keys: { [BOB]: {} } }],
  ])("with %s means that the user has no devices", (_, response) => {
    expect(bobs(response)).toEqual({
      list: { deviceKeys: new Map(), rejected: new Map(), fetchedAt: 1_234 },
      reachable: true,
      refusals: [],
      length: 0,
      isListed: expect.any(Function) as ParsedUser["isListed"],
    });
  });

  it("returns the same device objects", () => {
    const device = { ...testDevice(BOB, "PHONE"), extra: [1, { a: null }] };
    const { list } = bobs({ device_keys: { [BOB]: { PHONE: device } }, more: 1 });
    expect(list.deviceKeys.get("PHONE")).toBe(device);
  });

  it("is parsed for the requested user only", () => {
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

  it("loses only its malformed devices", () => {
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
    ["an array", [testDevice(BOB, "PHONE")]],
    ["true", true],
  ])("with %s instead of devices makes only this user unreachable", (_, part) => {
    const lists = read({ device_keys: { [BOB]: part, [CAROL]: { C: testDevice(CAROL, "C") } } }, [BOB, CAROL]);
    expect(lists.get(BOB)).toEqual({
      list: { deviceKeys: new Map(), rejected: new Map(), fetchedAt: 1_234 },
      reachable: false,
      refusals: [{ path: "device_keys", problem: expect.any(String) as string }],
      length: 0,
      isListed: expect.any(Function) as ParsedUser["isListed"],
    });
    expect([...(lists.get(CAROL)?.list.deviceKeys.keys() ?? [])]).toEqual(["C"]);
    expect(lists.get(CAROL)?.reachable).toBe(true);
  });

  it("makes users of a failed server unreachable, unless they are in device_keys", () => {
    const DAVE = "@dave:other.example:8448";
    const parsed = read(
      {
        device_keys: { [CAROL]: { C: testDevice(CAROL, "C") } },
        failures: { "other.example:8448": { status: 503 }, "example.org:8448": {} },
      },
      [BOB, CAROL, DAVE],
    );
    expect(Array.from(parsed, ([userId, { reachable }]) => [userId, reachable])).toEqual([
      [BOB, true],
      [CAROL, true],
      [DAVE, false],
    ]);
    expect([...(parsed.get(CAROL)?.list.deviceKeys.keys() ?? [])]).toEqual(["C"]);
  });

  it("makes unanswered users unreachable, unless they are in device_keys", () => {
    const DAVE = "@dave:example.org";
    const parsed = read(
      { device_keys: { [CAROL]: { C: testDevice(CAROL, "C") } }, unanswered: [BOB, CAROL, 5, null] },
      [BOB, CAROL, DAVE],
    );
    expect(Array.from(parsed, ([userId, { reachable }]) => [userId, reachable])).toEqual([
      [BOB, false],
      [CAROL, true],
      [DAVE, true],
    ]);
  });

  it("blames the server of a user only if it is in failures and nothing else says why", () => {
    const { hasServerFailed } = parseResponse(
      {
        device_keys: { [CAROL]: { C: testDevice(CAROL, "C") }, "@dave:example.org": 5 },
        failures: { "example.org": {} },
        unanswered: ["@eve:example.org"],
      },
      ME,
      0,
    );
    const users = [BOB, CAROL, "@dave:example.org", "@eve:example.org", "@frank:other.example"];
    expect(users.filter(hasServerFailed)).toEqual([BOB]);
  });

  it.each([5, "x", {}])("is invalid if unanswered is %j", (unanswered) => {
    expect(() => read({ device_keys: {}, unanswered })).toThrow('"unanswered" should be an array');
  });

  it.each([null, false, 0, ""])("may have %j for a failed server", (failure) => {
    expect(read({ failures: { "example.org": failure } }).get(BOB)?.reachable).toBe(false);
  });

  it.each(["__proto__", "constructor", "toString"])("does not treat a server called %s as failed", (name) => {
    const userId = `@bob:${name}`;
    expect(read({ failures: {} }, [userId]).get(userId)?.reachable).toBe(true);
    expect(read(parse(`{"failures":{"${name}":{}}}`), [userId]).get(userId)?.reachable).toBe(false);
  });

  it("loses only its malformed cross-signing keys", () => {
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
    "does not accept %j as a master key",
    (value) => {
      const { list, refusals } = bobs({ master_keys: { [BOB]: value } });
      expect(list).not.toHaveProperty("masterKey");
      expect(refusals).toEqual([{ path: "master_keys", problem: expect.any(String) as string }]);
    },
  );

  it("is read for no user-signing key but our own", () => {
    const user_signing_keys = { [BOB]: key(BOB, "user_signing"), [ME]: key(ME, "user_signing") };
    const lists = read({ user_signing_keys }, [BOB, ME]);
    expect(lists.get(BOB)?.list).not.toHaveProperty("userSigningKey");
    expect(lists.get(BOB)?.refusals).toEqual([]);
    expect(lists.get(ME)?.list.userSigningKey).toBe(user_signing_keys[ME]);
  });
});

describe("a user's part", () => {
  const devices = { B1: testDevice(BOB, "B1"), B2: testDevice(BOB, "B2") };
  const response = {
    device_keys: { [BOB]: devices },
    master_keys: { [BOB]: key(BOB, "master") },
    self_signing_keys: { [BOB]: key(BOB, "self_signing") },
  };
  const { list } = bobs(response);
  const isSame = (other: object) => parseResponse({ ...response, ...other }, ME, 9).isSame(BOB, list);
  const signatures = { [BOB]: { "ed25519:B1": "other" } };

  it("is the same as its list, in any order of devices and properties, whatever others have", () => {
    expect(isSame({})).toBe(true);
    expect(isSame({ device_keys: { [CAROL]: { C1: 5 }, [BOB]: { B2: { ...devices.B2 }, B1: devices.B1 } } })).toBe(
      true,
    );
    expect(isSame({ user_signing_keys: { [BOB]: key(BOB, "user_signing") } })).toBe(true); // not visible to us
  });

  it.each<[string, object]>([
    ["a device more", { device_keys: { [BOB]: { ...devices, B3: testDevice(BOB, "B3") } } }],
    ["a malformed device more", { device_keys: { [BOB]: { ...devices, B3: 5 } } }],
    ["a device less", { device_keys: { [BOB]: { B1: devices.B1 } } }],
    ["a device under another ID", { device_keys: { [BOB]: { B1: devices.B1, B3: devices.B2 } } }],
    ["another signature", { device_keys: { [BOB]: { ...devices, B1: { ...devices.B1, signatures } } } }],
    ["another name", { device_keys: { [BOB]: { ...devices, B1: { ...devices.B1, unsigned: {} } } } }],
    ["no devices", { device_keys: {} }],
    ["devices that are no object", { device_keys: { [BOB]: 5 } }],
    ["another master key", { master_keys: { [BOB]: key(BOB, "other") } }],
    ["no self-signing key", { self_signing_keys: {} }],
  ])("is not the same with %s", (_, other) => {
    expect(isSame(other)).toBe(false);
  });

  it("is not the same as a list of which something was refused", () => {
    const refused = bobs({ device_keys: { [BOB]: { B1: devices.B1, B2: 5 } } });
    expect(parseResponse({ device_keys: { [BOB]: { B1: devices.B1 } } }, ME, 9).isSame(BOB, refused.list)).toBe(false);
  });
});

describe("names such as __proto__", () => {
  const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

  it.each(NAMES)("can be device IDs: %s", (name) => {
    const { list } = bobs(
      parse(
        `{"device_keys":{"${BOB}":{"${name}":${JSON.stringify(testDevice(BOB, name))},"PHONE":${JSON.stringify(testDevice(BOB, "PHONE"))}}}}`,
      ),
    );
    expect([...list.deviceKeys.keys()].sort()).toEqual(["PHONE", name].sort());
    expect(list.deviceKeys.get(name)?.device_id).toBe(name);
  });

  it.each(NAMES)("can be IDs of refused devices: %s", (name) => {
    expect(bobs(parse(`{"device_keys":{"${BOB}":{"${name}":5}}}`)).list.rejected.get(name)?.code).toBe("malformed");
  });

  it("are ignored as sections", () => {
    expect(
      bobs(
        parse(
          `{"failures":{},"__proto__":{"device_keys":{"${BOB}":{"PHONE":${JSON.stringify(testDevice(BOB, "PHONE"))}}},"failures":5}}`,
        ),
      ).list.deviceKeys.size,
    ).toBe(0);
  });

  it("are not found as users if they were not sent", () => {
    for (const name of NAMES)
      expect(read({ device_keys: {}, master_keys: {} }, [name]).get(name)).toEqual({
        list: { deviceKeys: new Map(), rejected: new Map(), fetchedAt: 1_234 },
        reachable: true,
        refusals: [],
        length: 0,
        isListed: expect.any(Function) as ParsedUser["isListed"],
      });
  });
});

describe("limits", () => {
  it("apply to the number of devices; the first ones are kept", () => {
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

  it("leave out malformed devices, up to a limit of their own", () => {
    const withBad = (count: number) => {
      const bad = Object.fromEntries(Array.from({ length: count }, (_, i) => [`B${i}`, null]));
      return bobs({ device_keys: { [BOB]: { ...bad, LAST: testDevice(BOB, "LAST") } } }).list;
    };
    expect(withBad(MAX_DEVICES_PER_USER).deviceKeys.size).toBe(1);
    const list = withBad(MAX_LISTED_DEVICES_PER_USER);
    expect(list.deviceKeys.size).toBe(0);
    expect(list.rejected.size).toBe(MAX_REJECTED_PER_USER);
  });

  it("apply to the characters of all devices", () => {
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

  it("apply to the number of refused devices and the length of their IDs", () => {
    const long = "x".repeat(100_000);
    const devices = Object.fromEntries(
      Array.from({ length: MAX_REJECTED_PER_USER + 5 }, (_, i) => [`${i}${long.slice(0, 1_000)}`, null]),
    );
    const { list } = bobs({ device_keys: { [BOB]: devices } });
    expect(list.rejected.size).toBe(MAX_REJECTED_PER_USER);
    for (const deviceId of list.rejected.keys()) expect(deviceId.length).toBeLessThanOrEqual(MAX_REJECTED_ID_LENGTH);
  });

  it("end the parsing of a list: nothing beyond them is looked at", () => {
    /** Counts the devices that are looked at and the names that are visited. */
    const counted = (count: number, device: (id: string) => unknown) => {
      let values = 0;
      let enumerations = 0;
      let names = 0;
      const devices = Object.fromEntries(Array.from({ length: count }, (_, i) => [`D${i}`, device(`D${i}`)]));
      const watched = new Proxy(devices, {
        get: (target, id: string) => (values++, target[id]),
        ownKeys: (target) => (enumerations++, Reflect.ownKeys(target)),
        getOwnPropertyDescriptor: (target, id) => (names++, Object.getOwnPropertyDescriptor(target, id)),
      });
      const parsed = parseResponse({ device_keys: { [BOB]: watched } }, ME, 0);
      expect(parsed.countDevices(BOB)).toBe(MAX_LISTED_DEVICES_PER_USER + MAX_REJECTED_PER_USER);
      const { list } = parsed.parseUser(BOB);
      expect(enumerations).toBe(1);
      return { values, names, kept: list.deviceKeys.size, rejected: list.rejected.size };
    };
    const malformed = counted(MAX_LISTED_DEVICES_PER_USER + 50_000, () => null);
    expect(malformed).toMatchObject({ values: MAX_LISTED_DEVICES_PER_USER, rejected: MAX_REJECTED_PER_USER });
    const maxNames = MAX_LISTED_DEVICES_PER_USER + MAX_REJECTED_PER_USER;
    expect(malformed.names).toBeLessThan(2 * (maxNames + 10));
    const wellFormed = counted(MAX_DEVICES_PER_USER + 50_000, (id) => testDevice(BOB, id));
    expect(wellFormed).toMatchObject({
      values: MAX_DEVICES_PER_USER,
      kept: MAX_DEVICES_PER_USER,
      rejected: MAX_REJECTED_PER_USER,
    });
    expect(wellFormed.names).toBeLessThan(2 * (maxNames + 10));
  });

  it("do not hide which devices are listed", () => {
    const devices = Object.fromEntries(
      Array.from({ length: MAX_LISTED_DEVICES_PER_USER + 2_000 }, (_, i) => [`D${i}`, null]),
    );
    const { isListed, list } = bobs({ device_keys: { [BOB]: { ...devices, LAST: "?" } } });
    expect(list.rejected.has("LAST")).toBe(false);
    expect(["LAST", "D0", "OTHER", "constructor", "__proto__"].map(isListed)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(bobs(parse(`{"device_keys":{"${BOB}":{"__proto__":1}}}`)).isListed("__proto__")).toBe(true);
    for (const theirs of [undefined, null, "?", []])
      expect(bobs({ device_keys: { [BOB]: theirs } }).isListed("length")).toBe(false);
  });

  it("are not needed to count devices", () => {
    const devices = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`D${i}`, null]));
    const { countDevices } = parseResponse({ device_keys: { [BOB]: devices, [CAROL]: "?" } }, ME, 0);
    expect([BOB, CAROL, ME].map(countDevices)).toEqual([100, 0, 0]);
  });

  it("apply to each user separately", () => {
    const devices = Object.fromEntries(Array.from({ length: MAX_DEVICES_PER_USER + 1 }, (_, i) => [`D${i}`, null]));
    const lists = read({ device_keys: { [BOB]: devices, [CAROL]: { C: testDevice(CAROL, "C") } } }, [BOB, CAROL]);
    expect(lists.get(CAROL)?.list.deviceKeys.size).toBe(1);
  });
});
