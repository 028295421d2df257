import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import { toNames, type RoomDelta } from "../../src/rooms/room-delta.js";
import { Room } from "../../src/rooms/room.js";
import { BOB } from "../support/users.js";
import { ROOM } from "./rooms-in.js";

const delta = (properties: Partial<RoomDelta> = {}): RoomDelta => ({
  roomId: ROOM,
  joined: "",
  invited: "",
  left: [],
  ...properties,
});

const emptyRoom = () => new Room(ROOM, { added: (userId) => userId, removed: () => {} });

const users = (count: number): readonly UserId[] => Array.from({ length: count }, (_, i) => `@user${i}:example.org`);

describe("a late response", () => {
  it("notes the departure of a user who was only invited: they may have been invited again", () => {
    const room = emptyRoom();
    room.follow(delta({ invited: BOB }), "s1", false);
    room.overtake(delta({ left: [[BOB, "$event"]] }), "s2");
    expect(room.departures.has(BOB)).toBe(true);
  });

  it.each([{}, { visibility: "joined" }, { kind: "limited" }] as const)(
    "has the members of a known room fetched again, without a caller, if it says %j",
    (said) => {
      const room = emptyRoom();
      const encryption = { algorithm: "m.megolm.v1.aes-sha2", rotationPeriodMs: 1, rotationPeriodMsgs: 1 };
      room.follow(delta({ kind: "whole", encryption, joined: BOB }), "s1", false);
      expect(room.isComplete).toBe(true);
      room.overtake(delta(said), "s2");
      expect(room).toMatchObject({ isComplete: false, isAwaited: true });
    },
  );

  it("is remembered until sync shows the same, however many there are, up to a limit", () => {
    const room = emptyRoom();
    const named = users(40_000);
    for (let i = 0; i < 40; i++)
      room.overtake(delta({ joined: toNames(named.slice(i * 1_000, (i + 1) * 1_000)) }), `s${i}`);
    room.send(BOB, "invited", "$event", undefined);
    room.overtake(delta({ left: [[BOB, "$event"]] }), "s40");
    expect(room.sent.get(BOB)?.membership).toBe("invited");
    expect(room.sent.size).toBe(10_000);
  });

  it("does not make the next one cost time in the square of the users it names", () => {
    const named = users(5_000);
    const room = emptyRoom();
    room.overtake(delta({ left: named.map((userId) => [userId, "$event"]) }), "s1");
    const start = performance.now();
    room.follow(delta({ joined: toNames(named) }), "s2", false);
    expect(performance.now() - start).toBeLessThan(500); // 5 s if it did
  });
});
