import { NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceKeysByUser, UserDeviceKeys } from "../../src/model/results.js";
import { EncryptedRooms } from "../../src/rooms/encrypted-rooms.js";
import { SendForbiddenError } from "../../src/rooms/errors.js";
import { roomRecipients } from "../../src/rooms/room-recipients.js";
import { Room } from "../../src/rooms/room.js";
import { testDevice } from "../../src/testing/test-device.js";
import { marbles } from "../support/marbles.js";
import { ALICE, BOB } from "../support/users.js";
import { encryptedRoom, ROOM, roomsIn } from "./rooms-in.js";

const key = (userId: string, usage: string) => ({ user_id: userId, usage: [usage], keys: {} });

/** A user with an identity that has signed the one device. */
const crossSigned = (userId: string, deviceId: string): UserDeviceKeys => ({
  deviceKeys: new Map([[deviceId, testDevice(userId, deviceId)]]),
  masterKey: key(userId, "master"),
  selfSigningKey: key(userId, "self_signing"),
  rejected: new Map(),
  freshness: "current",
  fetchedAt: 0,
  deviceStatus: new Map([[deviceId, { signedByItself: true, crossSigned: true, dehydrated: false }]]),
  identity: { state: "unchanged", masterKey: userId, verified: false, wasVerified: false, collisions: [] },
  digest: "",
});

const LISTS: DeviceKeysByUser = new Map([
  [ALICE, crossSigned(ALICE, "OURS")],
  [BOB, crossSigned(BOB, "PHONE")],
]);

/** A room of Alice and Bob. */
function room(): Room {
  const made = new Room(ROOM, { added: (userId) => userId, removed: () => {} });
  made.encryption = { algorithm: "m.megolm.v1.aes-sha2", rotationPeriodMs: 1, rotationPeriodMsgs: 1 };
  made.joined.add(ALICE).add(BOB);
  made.confirmed = undefined;
  return made;
}

const policy = { strict: true, ownDevice: { userId: ALICE, deviceId: "OURS" } };
const withUser = (userId: string, changes: Partial<UserDeviceKeys>): DeviceKeysByUser => {
  const keys = LISTS.get(userId);
  if (keys === undefined) throw new Error(`no ${userId}`);
  return new Map([...LISTS, [userId, { ...keys, ...changes }]]);
};
const obstacles = (lists: DeviceKeysByUser) => {
  try {
    roomRecipients(room(), lists, policy, ALICE, 0);
    return [];
  } catch (error) {
    if (error instanceof SendForbiddenError) return error.obstacles;
    throw error;
  }
};

describe("a strict policy", () => {
  it("lets messages to users with identities pass", () => {
    expect(obstacles(LISTS)).toEqual([]);
  });

  it("forbids to send without an identity of our own", () => {
    const { masterKey: _, ...without } = crossSigned(ALICE, "OURS");
    expect(obstacles(new Map([...LISTS, [ALICE, without]]))).toEqual([{ type: "own-identity-missing" }]);
  });

  it("forbids to send from a device that our identity has not signed", () => {
    const deviceStatus = new Map([["OURS", { signedByItself: true, crossSigned: false, dehydrated: false }]]);
    expect(obstacles(withUser(ALICE, { deviceStatus }))).toEqual([
      { type: "own-device-not-cross-signed", deviceId: "OURS" },
    ]);
  });

  it("forbids sending to a user that is no longer verified", () => {
    const identity = {
      state: "changed",
      masterKey: "new",
      verified: false,
      wasVerified: true,
      collisions: [],
    } as const;
    expect(obstacles(withUser(BOB, { identity }))).toEqual([{ type: "verification-violated", userId: BOB }]);
  });

  it(
    "makes recipients() fail, and says why",
    marbles((m) => {
      const { homeserver, rooms } = roomsIn(m);
      homeserver.step(null);
      const error = new SendForbiddenError(ROOM, [{ type: "own-identity-missing" }]);
      m.expectObservable(rooms.recipients(ROOM, policy)).toBe("#", undefined, error);
      expect(error.message).toBe(
        `nothing must be sent to ${ROOM} under this policy: our own cross-signing identity is missing`,
      );
    }),
  );
});

describe("arguments", () => {
  const in_ = (use: (rooms: EncryptedRooms) => void) =>
    marbles((m) => {
      use(roomsIn(m).rooms);
    });

  it(
    "that are no policy are a TypeError at once",
    in_((rooms) => {
      expect(() => rooms.recipients(ROOM, { strict: "yes" } as never)).toThrow(/policy\.strict should be a boolean/u);
      expect(() => rooms.recipients(ROOM, { device: "all" } as never)).toThrow(/no property "device"/u);
      expect(() => rooms.watchRecipients(ROOM, { strict: true } as never)).toThrow(/no property "strict"/u);
      expect(() => rooms.recipients(ROOM, { blocked: "@bob" } as never)).toThrow(/policy\.blocked should be/u);
    }),
  );

  it.each(["#kitchen:example.org", "kitchen:example.org", "!", "", undefined, [ROOM]])(
    "are a TypeError at once if the room ID is %j",
    (roomId) => {
      in_((rooms) => {
        const id = roomId as string;
        const expected = roomId === "#kitchen:example.org" ? /resolve the alias/u : /roomId should be a room ID/u;
        for (const use of [
          () => rooms.recipients(id),
          () => rooms.watchRecipients(id),
          () => rooms.memberChanged(id, BOB, "leave"),
        ]) {
          expect(use).toThrow(TypeError);
          expect(use).toThrow(expected);
        }
      })();
    },
  );

  it(
    "may be room IDs without a server name, as of room version 12",
    marbles((m) => {
      const room = "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM";
      const { homeserver, recipients } = roomsIn(m);
      encryptedRoom(homeserver, room, [ALICE, BOB]);
      homeserver.step(null);
      m.expectObservable(recipients(room)).toBe("(x|)", { x: "alice ALICE1, bob BOB1" });
    }),
  );

  it(
    "may be such that can be read only once",
    marbles((m) => {
      const { homeserver, rooms } = roomsIn(m);
      homeserver.step(null);
      const blocked = [{ userId: BOB, deviceId: "BOB1" }].values();
      rooms.recipients(ROOM, { devices: "all", unsigned: true, blocked }).subscribe(({ devices }) => {
        expect(devices.map(({ deviceId }) => deviceId)).toEqual(["ALICE1"]);
      });
      expect.assertions(1);
    }),
  );

  it(
    "of memberChanged() are checked: what is no invitation must not pass for a removal",
    in_((rooms) => {
      expect(() => rooms.memberChanged(ROOM, BOB, "join" as never)).toThrow(/action should be one of/u);
      expect(() => rooms.memberChanged(ROOM, "bob", "leave")).toThrow(/userId should be a user ID/u);
    }),
  );

  it("of rooms are checked, and rooms belong to one tracker", () => {
    const membersApi = { members: () => NEVER, state: () => NEVER };
    expect(() => new EncryptedRooms({ membersApi: undefined as never })).toThrow(/membersApi should be/u);
    expect(() => new EncryptedRooms({ membersApi, lazyLoadMembers: 1 as never })).toThrow(/should be a boolean/u);
    const rooms = new EncryptedRooms({ membersApi });
    expect(() => rooms.recipients(ROOM)).toThrow(/among the extensions of a DeviceTracker/u);
    marbles((m) => {
      roomsIn(m, { extensions: [rooms] });
      expect(() => {
        const attached = roomsIn(m).rooms;
        attached.attach(undefined as never);
      }).toThrow(/belong to one tracker/u);
    })();
  });
});
