import { describe, expect, it } from "vitest";
import { BOB } from "../support/users.js";
import { latencies, staleLists, type DeviceLife, type Seen } from "./truth.js";

const PHONE: DeviceLife = { deviceId: "PHONE", key: "P", uploadBegan: 100, uploaded: 120 };
const GONE: DeviceLife = { ...PHONE, logoutBegan: 300, loggedOut: 320 };

const shown = (at: number, keys: readonly string[], freshness: "current" | "superseded" = "current"): Seen => ({
  type: "shown",
  at,
  userId: BOB,
  freshness,
  keys,
});
const applied = (at: number, polledAt: number, changed: readonly string[] = []): Seen => ({
  type: "applied",
  at,
  polledAt,
  changed,
  left: [],
});

const queried = (at: number): Seen => ({ type: "queried", at, users: [BOB] });

describe("the judgement of lists that were shown as current", () => {
  it.each<[string, DeviceLife, readonly Seen[], number]>([
    ["a list without a device of which nothing was announced", PHONE, [shown(150, [])], 0],
    ["a list without a device that was announced", PHONE, [applied(130, 50, [BOB]), queried(130), shown(150, [])], 1],
    ["a list that was not queried since a step named its user", PHONE, [applied(110, 50, [BOB]), shown(115, [])], 1],
    ["the same, shown as superseded", PHONE, [applied(130, 50, [BOB]), queried(130), shown(150, [], "superseded")], 0],
    [
      "a list without a device that was uploaded after the step",
      PHONE,
      [applied(110, 50, [BOB]), queried(110), shown(150, [])],
      0,
    ],
    ["a list without a device that an unannounced poll covers", PHONE, [applied(160, 130), shown(170, [])], 1],
    ["a list without a device that the poll may have missed", PHONE, [applied(160, 115), shown(170, [])], 0],
    [
      "a list with a device whose log-out was announced",
      GONE,
      [applied(330, 50, [BOB]), queried(330), shown(350, ["P"])],
      1,
    ],
    [
      "a list with a device whose log-out was not announced",
      GONE,
      [applied(310, 50, [BOB]), queried(310), shown(350, ["P"])],
      0,
    ],
    ["a list without a device that is logging out", GONE, [applied(290, 50, [BOB]), queried(290), shown(310, [])], 0],
  ])("of %s", (_, device, seen, faults) => {
    expect(staleLists(BOB, [device], seen)).toHaveLength(faults);
  });
});

describe("the latencies", () => {
  it("are those until a current list has the device, and until one has not", () => {
    const seen = [
      shown(110, []),
      shown(140, ["P"], "superseded"),
      shown(150, ["P"]),
      shown(310, ["P"]),
      shown(400, []),
    ];
    expect(latencies(BOB, [GONE], seen)).toEqual([{ deviceId: "PHONE", login: 50, logout: 100 }]);
  });

  it("are infinite if that never happens", () => {
    expect(latencies(BOB, [GONE], [shown(110, [])])).toEqual([
      { deviceId: "PHONE", login: Infinity, logout: Infinity },
    ]);
  });
});
