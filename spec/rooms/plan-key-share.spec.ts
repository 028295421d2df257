import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import { planKeyShare, type SharedSession } from "../../src/rooms/plan-key-share.js";
import type { RoomRecipients } from "../../src/rooms/room-recipients.js";
import { testDevice } from "../../src/testing/test-device.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const device = (userId: UserId, deviceId: string) => ({ userId, deviceId, device: testDevice(userId, deviceId) });
const PHONE = device(BOB, "PHONE");
const LAPTOP = device(BOB, "LAPTOP");
const TABLET = device(CAROL, "TABLET");

/** Alice, Bob with two devices, and Carol with one, in a room that everybody may read later. */
const NOW: RoomRecipients = {
  roomId: "!room:example.org",
  isComplete: true,
  joined: [ALICE, BOB, CAROL],
  invited: [],
  devices: [PHONE, LAPTOP, TABLET],
  leftOut: [{ userId: ALICE, deviceId: "OURS", reason: "own-device" }],
  withheld: [],
  uncertain: [],
  unlisted: [],
  encryption: { algorithm: "m.megolm.v1.aes-sha2", rotationPeriodMs: 1_000, rotationPeriodMsgs: 10 },
  historyVisibility: "shared",
  at: 1_500,
  stand: {
    algorithm: "m.megolm.v1.aes-sha2",
    historyVisibility: "shared",
    missedUntil: null,
    departures: {},
    masterKeys: { [BOB]: "bob's" },
  },
};

/** One that all of them have, and Alice's own device. */
const SESSION: SharedSession = {
  createdAt: 1_000,
  messageCount: 9,
  sharedWith: [...NOW.devices, { userId: ALICE, deviceId: "OURS" }],
  stand: NOW.stand,
};

const without = (deviceId: string) => NOW.devices.filter((one) => one.deviceId !== deviceId);

describe("a session", () => {
  it("that everybody has is used on", () => {
    expect(planKeyShare(SESSION, NOW)).toEqual({ share: [], rotate: [] });
  });

  it("is given to devices that do not have it", () => {
    const session = { ...SESSION, sharedWith: [PHONE] };
    expect(planKeyShare(session, NOW)).toEqual({ share: [LAPTOP, TABLET], rotate: [] });
  });

  it("is not replaced when a user joins, or when a user without it leaves", () => {
    const { stand } = NOW;
    const session = { ...SESSION, sharedWith: [PHONE, LAPTOP] };
    const now = { ...NOW, stand: { ...stand, departures: { [CAROL]: "$left" } } };
    expect(planKeyShare(session, now)).toEqual({ share: [TABLET], rotate: [] });
  });

  it.each<[string, Partial<RoomRecipients>, Partial<SharedSession>, object]>([
    ["a user left", { joined: [ALICE, BOB], devices: [PHONE, LAPTOP] }, {}, { type: "user-left", userId: CAROL }],
    [
      "a user left and came back",
      { stand: { ...NOW.stand, departures: { [CAROL]: "$left" } } },
      {},
      { type: "user-left", userId: CAROL },
    ],
    [
      "a user left again and came back",
      { stand: { ...NOW.stand, departures: { [CAROL]: "$left again" } } },
      { stand: { ...NOW.stand, departures: { [CAROL]: "$left" } } },
      { type: "user-left", userId: CAROL },
    ],
    [
      "an invited user must not read any more",
      { joined: [ALICE, BOB], invited: [CAROL], devices: [PHONE, LAPTOP], historyVisibility: "joined" },
      { stand: { ...NOW.stand, historyVisibility: "invited" } },
      { type: "user-excluded", userId: CAROL },
    ],
    ["responses were missed", { stand: { ...NOW.stand, missedUntil: "s9" } }, {}, { type: "responses-missed" }],
    [
      "a device was removed",
      { devices: without("PHONE") },
      {},
      { type: "device-removed", userId: BOB, deviceId: "PHONE" },
    ],
    [
      "a device was blocked",
      { devices: without("PHONE"), leftOut: [...NOW.leftOut, { userId: BOB, deviceId: "PHONE", reason: "blocked" }] },
      {},
      { type: "device-left-out", userId: BOB, deviceId: "PHONE", reason: "blocked" },
    ],
    [
      "a device has another key",
      {},
      { sharedWith: [{ ...PHONE, curve25519: "another" }, LAPTOP, TABLET] },
      { type: "device-replaced", userId: BOB, deviceId: "PHONE" },
    ],
    [
      "a device has other keys than when it was given the session",
      {},
      {
        sharedWith: [
          { ...PHONE, device: testDevice(BOB, "PHONE", { keys: { "curve25519:PHONE": "old" } }) },
          LAPTOP,
          TABLET,
        ],
      },
      { type: "device-replaced", userId: BOB, deviceId: "PHONE" },
    ],
    [
      "a user has another master key",
      { stand: { ...NOW.stand, masterKeys: { [BOB]: "another" } } },
      {},
      { type: "identity-changed", userId: BOB },
    ],
    [
      "those who join later may not read any more",
      { historyVisibility: "joined" },
      {},
      { type: "visibility-changed", from: "shared", to: "joined" },
    ],
    ["it is too old", { at: 2_000 }, {}, { type: "too-old", age: 1_000 }],
    ["the clock was set back", { at: 900 }, {}, { type: "too-old", age: -100 }],
    ["it was used too often", {}, { messageCount: 10 }, { type: "too-many-messages", count: 10 }],
    ["the age cannot be told", {}, { createdAt: Number.NaN }, { type: "too-old", age: Number.NaN }],
    [
      "the algorithm is another one",
      {},
      { stand: { ...NOW.stand, algorithm: "m.old" } },
      { type: "algorithm-changed", from: "m.old", to: "m.megolm.v1.aes-sha2" },
    ],
  ])("is replaced, and given to all, if %s", (_, now, session, reason) => {
    const changed = { ...NOW, ...now };
    expect(planKeyShare({ ...SESSION, ...session }, changed)).toEqual({ share: changed.devices, rotate: [reason] });
  });

  it("is kept if the visibility changes nothing for users that join later", () => {
    const from = { ...SESSION, stand: { ...NOW.stand, historyVisibility: "world_readable" } } as const;
    expect(planKeyShare(from, NOW).rotate).toEqual([]);
  });

  it("is kept for a user on an unreachable homeserver, without a known list", () => {
    const now = { ...NOW, devices: without("TABLET"), uncertain: [CAROL], unlisted: [CAROL] };
    expect(planKeyShare(SESSION, now)).toEqual({ share: [], rotate: [] });
  });

  it("may be described by what can be read only once", () => {
    const session = { ...SESSION, sharedWith: NOW.devices.values() };
    expect(planKeyShare(session, NOW)).toEqual({ share: [], rotate: [] });
  });
});
