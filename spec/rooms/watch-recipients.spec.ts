import { describe, it } from "vitest";
import { RoomError } from "../../src/rooms/errors.js";
import { marbles } from "../support/marbles.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { OTHER, ROOM, roomsIn } from "./rooms-in.js";

describe("watched recipients", () => {
  it(
    "change with the members, their devices and the visibility",
    marbles((m) => {
      const { homeserver, watchRecipients } = roomsIn(m);
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      m.acts("-a--b----c-d", {
        a: () => {
          room.join(CAROL);
          homeserver.step();
        },
        b: () => {
          homeserver.removeDevice(BOB, "BOB1");
          homeserver.step();
        },
        c: () => {
          room.leave(BOB);
          homeserver.step();
        },
        d: () => {
          room.setVisibility("joined");
          homeserver.step();
        },
      });
      m.expectObservable(watchRecipients()).toBe("ab--(cd)-e-f", {
        a: "alice ALICE1, bob BOB1",
        b: "alice ALICE1, bob BOB1, carol CAROL1",
        c: "alice ALICE1, bob BOB1, carol CAROL1; uncertain bob",
        d: "alice ALICE1, carol CAROL1; without bob",
        e: "alice ALICE1, carol CAROL1",
        f: "alice ALICE1, carol CAROL1",
      });
    }),
  );

  it(
    "do not emit for what changes in other rooms",
    marbles((m) => {
      const { homeserver, watchRecipients } = roomsIn(m);
      const other = homeserver.room(OTHER);
      other.join(ALICE);
      other.encrypt();
      homeserver.step(null);
      m.acts("-a", {
        a: () => {
          other.join(CAROL);
          homeserver.step();
        },
      });
      m.expectObservable(watchRecipients()).toBe("a", { a: "alice ALICE1, bob BOB1" });
    }),
  );

  it(
    "say so while members are not all known, and are fetched again",
    marbles((m) => {
      const { homeserver, watchRecipients } = roomsIn(m, { answerAfter: 3 });
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      m.acts("----------a", {
        a: () => {
          room.join(CAROL);
          room.isLimited = true;
          homeserver.step();
        },
      });
      m.expectObservable(watchRecipients()).toBe("------a---b-----c", {
        a: "alice ALICE1, bob BOB1",
        b: "alice ALICE1, bob BOB1; incomplete",
        c: "alice ALICE1, bob BOB1, carol CAROL1",
      });
    }),
  );

  it(
    "are fetched again after 2 s, doubling, if that fails",
    marbles((m) => {
      const { homeserver, watchRecipients } = roomsIn(m);
      homeserver.step(null);
      homeserver.failNextMembers(new Error("down"));
      homeserver.failNextMembers(new Error("down"));
      m.expectObservable(watchRecipients()).toBe("6s a", { a: "alice ALICE1, bob BOB1" });
    }),
  );

  it(
    "fail if we are not in the room, or not any more, and complete with the tracker",
    marbles((m) => {
      const { homeserver, tracker, watchRecipients } = roomsIn(m);
      homeserver.room(OTHER).join(ALICE);
      homeserver.step(null);
      m.acts("--a--b", {
        a: () => {
          homeserver.room(ROOM).leave(ALICE);
          homeserver.step();
          homeserver.room(ROOM).join(ALICE);
          homeserver.step();
        },
        b: () => {
          tracker.close();
        },
      });
      m.expectObservable(watchRecipients(OTHER)).toBe("#", undefined, new RoomError(OTHER, "not-encrypted"));
      m.expectObservable(watchRecipients()).toBe(
        "a-#",
        { a: "alice ALICE1, bob BOB1" },
        new RoomError(ROOM, "not-joined"),
      );
      m.expectObservable(watchRecipients(), "---^").toBe("---a-|", { a: "alice ALICE1, bob BOB1" });
    }),
  );
});
