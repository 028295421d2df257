import { describe, expect, it } from "vitest";
import { namesIn, readJoinedRoom } from "../../src/rooms/room-delta.js";
import { BOB, CAROL, DAVE } from "../support/users.js";

const ROOM = "!room:example.org";
const member = (userId: string, membership: unknown, id = `$${String(membership)}`) => ({
  type: "m.room.member",
  state_key: userId,
  content: { membership },
  event_id: id,
});
const timeline = (...events: readonly unknown[]) => ({ timeline: { events } });
const read = (room: unknown) => {
  const { delta, refused } = readJoinedRoom(ROOM, room);
  return { ...delta, joined: namesIn(delta?.joined ?? ""), invited: namesIn(delta?.invited ?? ""), refused };
};

describe("what a response says of a room", () => {
  it("is nothing if it has only messages", () => {
    expect(readJoinedRoom(ROOM, timeline({ type: "m.room.encrypted", content: {} }))).toEqual({
      delta: undefined,
      refused: [],
    });
  });

  it("is its state, then its timeline", () => {
    const room = {
      state: { events: [member(BOB, "leave")] },
      ...timeline(member(BOB, "join"), member(CAROL, "invite")),
    };
    expect(read(room)).toMatchObject({ joined: [BOB], invited: [CAROL], left: [[BOB, "$leave"]] });
  });

  it.each(["state_after", "org.matrix.msc4222.state_after"])("is only %s where there is one", (name) => {
    const room = {
      [name]: { events: [member(BOB, "join")] },
      ...timeline(member(BOB, "ban"), member(CAROL, "join"), member(DAVE, "leave")),
    };
    // A departure from which the user has come back is only in the timeline.
    expect(read(room)).toMatchObject({ joined: [BOB], left: [[BOB, "$ban"]] });
  });

  it("keeps a departure from which the user came back", () => {
    const room = timeline(
      member(BOB, "leave", "$1"),
      member(BOB, "join"),
      member(BOB, "ban", "$2"),
      member(BOB, "join"),
    );
    expect(read(room)).toMatchObject({ joined: [BOB], left: [[BOB, "$2"]] });
  });

  it("takes an invitation in a limited timeline for a departure, too", () => {
    const room = { state: { events: [member(BOB, "invite")] }, timeline: { events: [], limited: true } };
    expect(read(room)).toMatchObject({ invited: [BOB], left: [[BOB, "$invite"]], kind: "limited" });
  });

  it("is whole if it has the room's beginning", () => {
    const room = { state: { events: [{ type: "m.room.create", state_key: "", content: {} }, member(BOB, "leave")] } };
    expect(read(room)).toMatchObject({ left: [], kind: "whole" });
  });

  it.each<[string, unknown]>([
    ["a membership that there is not", member(BOB, "lurk")],
    ["no content", { type: "m.room.member", state_key: BOB }],
  ])("is unclear after a member event with %s", (_, event) => {
    expect(read(timeline(event))).toMatchObject({ kind: "unclear", joined: [], refused: [expect.any(String)] });
  });

  it.each(["bob", "@bob", "@b\nob:example.org", ""])(
    "is the same without a member event of %j, who is no user",
    (userId) => {
      const room = timeline(member(BOB, "join"), member(userId, "invite"));
      expect(read(room)).toMatchObject({ joined: [BOB], invited: [], refused: [`m.room.member of ${userId}`] });
      expect(read(room)).not.toHaveProperty("kind");
      expect(readJoinedRoom(ROOM, timeline(member(userId, "join"))).delta).toBeUndefined();
    },
  );

  it.each<[string, unknown]>([
    ["it is no object", "room"],
    ["its state is no list", { state: { events: {} } }],
    ["its timeline is no object", { timeline: [] }],
  ])("is unclear if %s", (_, room) => {
    expect(read(room)).toMatchObject({ kind: "unclear", refused: [expect.any(String)] });
  });

  it("ignores events that are no state, and state of other kinds", () => {
    const others = [
      null,
      1,
      { type: "m.room.name", state_key: "", content: {} },
      { ...member(BOB, "join"), state_key: 7 },
    ];
    expect(readJoinedRoom(ROOM, timeline(...others))).toEqual({ delta: undefined, refused: [] });
    const elsewhere = { type: "m.room.encryption", state_key: "x", content: { algorithm: "m.megolm.v1.aes-sha2" } };
    expect(readJoinedRoom(ROOM, timeline(elsewhere))).toEqual({ delta: undefined, refused: [] });
  });
});
