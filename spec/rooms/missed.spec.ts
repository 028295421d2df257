import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { RoomError } from "../../src/rooms/errors.js";
import { marbles } from "../support/marbles.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { encryptedRoom, homeserverIn, otherTabIn, OTHER, restartedIn, ROOM, roomsIn } from "./rooms-in.js";

describe("after a gap", () => {
  it(
    "the members of rooms in use are fetched again, and tracked, without being asked for",
    marbles((m) => {
      const { homeserver, recipients, tracked } = roomsIn(m, { gaps: "distrust" });
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      recipients().subscribe();
      expect(tracked()).toBe("alice bob");
      m.acts("--a", {
        a: () => {
          room.join(CAROL);
          room.leave(BOB);
          const missed = homeserver.token;
          room.set("m.room.name", {});
          homeserver.step(missed);
          expect(tracked()).toBe("alice carol");
        },
      });
      m.expectObservable(recipients(), "---^").toBe("---(x|)", { x: "alice ALICE1, carol CAROL1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests.map(({ sentAt }) => sentAt)).toEqual([0, 2]);
      });
    }),
  );

  it(
    "rooms that nobody has asked for are left alone until somebody does",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m, { gaps: "distrust" });
      homeserver.step(null);
      homeserver.addDevice(BOB, "BOB2");
      const missed = homeserver.token;
      homeserver.addDevice(BOB, "BOB3");
      homeserver.step(missed);
      expect(homeserver.membersRequests).toEqual([]);
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1, bob BOB2, bob BOB3" });
    }),
  );

  it(
    "the encryption and the visibility are asked for again, too",
    marbles((m) => {
      const { homeserver, recipients, rooms } = roomsIn(m);
      const room = homeserver.room(ROOM);
      room.invite(CAROL);
      homeserver.step(null);
      recipients().subscribe();
      room.setVisibility("joined");
      const missed = homeserver.token;
      room.set("m.room.name", {});
      homeserver.step(missed);
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1; without carol" });
      m.expectObservable(rooms.rooms$.pipe(map((all) => all.get(ROOM)?.historyVisibility))).toBe("x", { x: "joined" });
    }),
  );

  it(
    "a room from which we have been removed meanwhile is none any more",
    marbles((m) => {
      const { homeserver, recipients, rooms, tracked } = roomsIn(m, { gaps: "distrust" });
      homeserver.step(null);
      recipients().subscribe();
      homeserver.room(ROOM).leave(ALICE);
      const missed = homeserver.token;
      homeserver.room(ROOM).set("m.room.name", {});
      homeserver.step(missed);
      expect(tracked()).toBe("alice");
      m.expectObservable(rooms.rooms$.pipe(map((all) => all.size))).toBe("x", { x: 0 });
      m.expectObservable(recipients()).toBe("#", undefined, new RoomError(ROOM, "not-joined"));
    }),
  );

  it(
    "every session is to be replaced: anyone may have left, and come back",
    marbles((m) => {
      const { homeserver, rooms } = roomsIn(m);
      homeserver.step(null);
      const joinedAt = homeserver.token;
      const stands: unknown[] = [];
      const note = () => rooms.recipients(ROOM).subscribe(({ stand }) => stands.push(stand.missedUntil));
      note();
      homeserver.change(BOB);
      const missed = homeserver.token;
      homeserver.change(BOB);
      homeserver.step(missed);
      note();
      homeserver.change(BOB);
      homeserver.step();
      note();
      expect(stands).toEqual([joinedAt, missed, missed]);
    }),
  );
});

describe("an initial sync", () => {
  it(
    "of an account that has rooms says which ones they are, and who is tracked again",
    marbles((m) => {
      const homeserver = homeserverIn(m);
      encryptedRoom(homeserver, OTHER, [ALICE, DAVE]);
      const { rooms, tracked } = roomsIn(m, { homeserver, isLazy: false });
      homeserver.step(null);
      expect(tracked()).toBe("alice bob dave");
      homeserver.room(OTHER).leave(ALICE);
      homeserver.room(ROOM).join(CAROL);
      homeserver.step(null);
      expect(tracked()).toBe("alice bob carol");
      rooms.rooms$.subscribe((all) => {
        expect([...all.keys()]).toEqual([ROOM]);
      });
      expect.assertions(3);
    }),
  );
});

describe("a limited timeline", () => {
  it(
    "hides members if sync leaves them out: they are fetched at once if they were known, and who left is not tracked",
    marbles((m) => {
      const { homeserver, recipients, tracked } = roomsIn(m);
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      recipients().subscribe();
      room.join(CAROL);
      room.leave(BOB);
      room.isLimited = true;
      homeserver.step();
      expect(homeserver.membersRequests).toHaveLength(2);
      expect(tracked()).toBe("alice carol");
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, carol CAROL1" });
    }),
  );

  it(
    "hides nobody if sync leaves nobody out",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m, { isLazy: false });
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      room.join(CAROL);
      room.leave(BOB);
      room.isLimited = true;
      homeserver.step();
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, carol CAROL1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests).toEqual([]);
      });
    }),
  );

  it(
    "that arrives while /members is on its way makes that answer too old",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m, { answerAfter: 5 });
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      m.acts("--a", {
        a: () => {
          room.join(CAROL);
          room.isLimited = true;
          homeserver.step();
        },
      });
      m.expectObservable(recipients()).toBe("---------------(x|)", { x: "alice ALICE1, bob BOB1, carol CAROL1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests.map(({ sentAt }) => sentAt)).toEqual([0, 5]);
      });
    }),
  );
});

describe("what servers forget or contradict", () => {
  it(
    "a user who comes to share a room is outdated, although the server does not announce it",
    marbles((m) => {
      const { homeserver, recipients, lookup, tracked } = roomsIn(m);
      homeserver.rooms.announcesSharing = false;
      homeserver.step(null);
      recipients().subscribe();
      m.acts("-a", {
        a: () => {
          homeserver.room(ROOM).join(CAROL);
          homeserver.step();
          expect(tracked()).toBe("alice bob carol");
        },
      });
      m.expectObservable(lookup([CAROL]), "--^").toBe("--(x|)", { x: ["carol CAROL1 current"] });
    }),
  );

  it(
    "a member whom the server lists in left makes the list uncertain",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m);
      homeserver.step(null);
      recipients().subscribe();
      homeserver.leave(BOB);
      homeserver.step();
      expect(homeserver.membersRequests).toHaveLength(1);
      recipients().subscribe();
      expect(homeserver.membersRequests).toHaveLength(2);
    }),
  );

  it(
    "events that cannot be understood are reported, and the members fetched again",
    marbles((m) => {
      const { homeserver, recipients, problems } = roomsIn(m);
      homeserver.step(null);
      recipients().subscribe();
      homeserver.room(ROOM).set("m.room.member", { membership: "lurk" }, BOB);
      homeserver.step();
      expect(problems).toMatchObject([{ type: "room-events-refused", roomId: ROOM, count: 1 }]);
      m.expectObservable(recipients()).toBe(
        "#",
        undefined,
        new RoomError(ROOM, "members-unknown", { cause: expect.anything() as unknown }),
      );
    }),
  );
});

describe("an encryption event that cannot be understood", () => {
  it(
    "does not make a room encrypted, and is reported",
    marbles((m) => {
      const { homeserver, rooms, problems } = roomsIn(m);
      homeserver.room(OTHER).join(ALICE);
      homeserver.room(OTHER).encrypt({ algorithm: 5 });
      homeserver.step(null);
      expect(problems).toMatchObject([{ type: "room-events-refused", roomId: OTHER }]);
      m.expectObservable(rooms.rooms$.pipe(map((all) => [...all.keys()]))).toBe("x", { x: [ROOM] });
    }),
  );
});

describe("rooms", () => {
  it(
    "are as they were after a restart, without a request",
    marbles((m) => {
      const first = roomsIn(m);
      first.homeserver.step(null);
      first.recipients().subscribe();
      first.tracker.close();
      const { recipients, tracked } = restartedIn(m, first);
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(first.homeserver.membersRequests).toHaveLength(1);
        expect(tracked()).toBe("alice bob");
      });
    }),
  );

  it(
    "are the same in every tab, whichever is given the responses or asks for the members",
    marbles((m) => {
      const first = roomsIn(m);
      const other = otherTabIn(m, first);
      first.homeserver.step(null);
      other.recipients().subscribe();
      first.homeserver.room(ROOM).join(CAROL);
      first.homeserver.step();
      m.expectObservable(first.recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1, carol CAROL1" });
      m.expectObservable(other.recipients(), "-^").toBe("-(x|)", { x: "alice ALICE1, bob BOB1, carol CAROL1" });
      m.afterwards(() => {
        expect(first.homeserver.membersRequests).toHaveLength(1);
        expect([first.tracked(), other.tracked()]).toEqual(["alice bob carol", "alice bob carol"]);
      });
    }),
  );
});
