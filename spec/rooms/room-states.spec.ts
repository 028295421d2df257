import { describe, expect, it } from "vitest";
import { RoomStates, type RoomsEvent } from "../../src/rooms/room-states.js";
import { ALICE, BOB } from "../support/users.js";
import { OTHER, ROOM } from "./rooms-in.js";

const nothing = { isInitial: false, rooms: [], unread: [], gone: [], strangers: [] };

/** Rooms that another tab has asked for, and of which it was given the members. */
function statesOfAsked(): RoomStates {
  const states = new RoomStates(ALICE, false);
  const encryption = { algorithm: "m.megolm.v1.aes-sha2", rotationPeriodMs: 1, rotationPeriodMsgs: 1 };
  const members = { joined: `${ALICE}\n${BOB}`, invited: "", encryption, visibility: "shared" as const };
  const events: readonly RoomsEvent[] = [
    { type: "ask", roomId: ROOM, token: "s1" },
    { type: "members", roomId: ROOM, uncertainSince: "s1", ...members },
  ];
  for (const event of events) states.apply(event, "s1", () => true);
  return states;
}

describe("a late response of a tab that had not heard of a room", () => {
  it("counts as missed if it changes the room", () => {
    const states = statesOfAsked();
    expect(states.rooms.get(ROOM)?.isComplete).toBe(true);
    for (const event of states.late([{ ...nothing, type: "sync", next: "s2", unread: [ROOM] }]))
      states.apply(event, "s1", () => true);
    expect(states.rooms.get(ROOM)).toMatchObject({ isComplete: false, missedUntil: "late s2" });
  });
});

describe("an initial sync after a gap, which has untracked all users,", () => {
  it("tracks a user again who has left one room and is in another that was asked for", () => {
    const states = statesOfAsked();
    states.apply({ type: "ask", roomId: OTHER, token: "s1" }, "s1", () => true);
    const whole = { invited: "", left: [], kind: "whole" } as const;
    const rooms = [
      { ...whole, roomId: ROOM, joined: ALICE },
      { ...whole, roomId: OTHER, joined: `${ALICE}\n${BOB}` },
    ];
    const initial: RoomsEvent = { ...nothing, type: "sync", next: "s2", isInitial: true, rooms };
    expect(states.apply(initial, "s2", () => true)).toEqual({ changed: [BOB], left: [] });
  });
});
