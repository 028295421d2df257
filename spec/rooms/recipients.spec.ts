import { NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { TrackerClosedError } from "../../src/model/errors.js";
import { RoomError } from "../../src/rooms/errors.js";
import { marbles } from "../support/marbles.js";
import { ALICE, BOB, CAROL, DAVE, EVE } from "../support/users.js";
import { ALL, encryptedRoom, homeserverIn, OTHER, ROOM, roomsIn } from "./rooms-in.js";

describe("the recipients in a room", () => {
  it(
    "are the devices of its members, who are fetched first, and only once",
    marbles((m) => {
      const { homeserver, recipients, tracked } = roomsIn(m, { answerAfter: 2 });
      homeserver.step(null);
      m.expectObservable(recipients()).toBe("----(x|)", { x: "alice ALICE1, bob BOB1" });
      m.expectObservable(recipients(), "-----^").toBe("-----(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests).toEqual([{ roomId: ROOM, at: homeserver.token, sentAt: 0 }]);
        expect(tracked()).toBe("alice bob");
      });
    }),
  );

  it(
    "need no request if sync leaves no members out",
    marbles((m) => {
      const { homeserver, recipients, tracked } = roomsIn(m, { isLazy: false });
      homeserver.step(null);
      expect(tracked()).toBe("alice bob");
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests).toEqual([]);
      });
    }),
  );

  it(
    "are those of two callers in one request, which ends with the last of them",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m, { answerAfter: 4 });
      homeserver.step(null);
      m.expectObservable(recipients(), "^-!").toBe("--");
      m.expectObservable(recipients(), "-^").toBe("--------(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests).toHaveLength(1);
      });
    }),
  );

  it(
    "follow sync: users come, are invited, leave",
    marbles((m) => {
      const { homeserver, recipients, tracked } = roomsIn(m);
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      recipients().subscribe();
      m.acts("abcd", {
        a: () => {
          room.join(CAROL);
          homeserver.step();
          expect(tracked()).toBe("alice bob carol");
        },
        b: () => {
          room.invite(DAVE);
          homeserver.step();
          expect(tracked()).toBe("alice bob carol"); // servers do not announce changes of invited users
        },
        c: () => {
          room.leave(BOB);
          homeserver.step();
          expect(tracked()).toBe("alice carol");
        },
        d: () => {
          room.join(DAVE);
          room.leave(CAROL);
          homeserver.step();
          expect(tracked()).toBe("alice dave");
        },
      });
      m.expectObservable(recipients(), "^").toBe("(x|)", { x: "alice ALICE1, bob BOB1, carol CAROL1" });
      m.expectObservable(recipients(), "-^").toBe("-(x|)", {
        x: "alice ALICE1, bob BOB1, carol CAROL1, dave DAVE1; uncertain dave",
      });
      m.expectObservable(recipients(), "--^").toBe("--(x|)", {
        x: "alice ALICE1, carol CAROL1, dave DAVE1; uncertain dave",
      });
      m.expectObservable(recipients(), "---^").toBe("---(x|)", { x: "alice ALICE1, dave DAVE1" });
    }),
  );

  it(
    "are invited users, too, who are queried each time, unless the history is for members only",
    marbles((m) => {
      const { homeserver, recipients, expectQueries } = roomsIn(m);
      const room = homeserver.room(ROOM);
      room.invite(CAROL);
      homeserver.step(null);
      m.acts("---a-b-c", {
        a: () => {
          room.setVisibility("joined");
          homeserver.step();
        },
        b: () => {
          room.setVisibility("invited");
          homeserver.step();
        },
        c: () => {
          room.set("m.room.history_visibility", { history_visibility: "nobody" }); // counts as "shared"
          homeserver.step();
        },
      });
      const all = "alice ALICE1, bob BOB1, carol CAROL1; uncertain carol";
      m.expectObservable(recipients(), "-^").toBe("-(x|)", { x: all });
      m.expectObservable(recipients(), "--^").toBe("--(x|)", { x: all });
      m.expectObservable(recipients(), "----^").toBe("----(x|)", {
        x: "alice ALICE1, bob BOB1; without carol",
      });
      m.expectObservable(recipients(), "------^").toBe("------(x|)", { x: all });
      m.expectObservable(recipients(), "--------^").toBe("--------(x|)", { x: all });
      expectQueries("1-1 alice bob carol", "2-2 carol", "6-6 carol", "8-8 carol");
    }),
  );

  it.each(["leave", "ban", "knock"])("are not users whose membership is %s", (membership) => {
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m);
      homeserver.room(ROOM).set("m.room.member", { membership }, CAROL);
      homeserver.room(ROOM).set("m.room.member", { membership }, BOB);
      homeserver.step(null);
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1" });
    })();
  });

  it(
    "are as sync says, whenever /members was answered and as of whichever token",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m, { answerAfter: 5 });
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      m.acts("--a", {
        a: () => {
          room.join(CAROL);
          room.leave(BOB);
          room.invite(DAVE);
          homeserver.step();
        },
      });
      m.expectObservable(recipients()).toBe("----------(x|)", {
        x: "alice ALICE1, carol CAROL1, dave DAVE1; uncertain dave",
      });
    }),
  );

  it(
    "include who joins while devices are queried, and not who leaves",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m, { answerAfter: 5 });
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      m.acts("-------a", {
        a: () => {
          room.join(CAROL);
          room.leave(BOB);
          homeserver.step();
        },
      });
      m.expectObservable(recipients()).toBe("---------------(x|)", { x: "alice ALICE1, carol CAROL1" });
    }),
  );

  it(
    "are as new as every change: a login while others are queried",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m, { answerAfter: 5 });
      homeserver.step(null);
      m.acts("-------a", {
        a: () => {
          homeserver.addDevice(BOB, "BOB2");
          homeserver.step();
        },
      });
      m.expectObservable(recipients()).toBe("----------(x|)", { x: "alice ALICE1, bob BOB1; uncertain bob" });
    }),
  );

  it(
    "cannot be known of a room that is not encrypted, or that we are not in",
    marbles((m) => {
      const { homeserver, recipients, rooms } = roomsIn(m);
      homeserver.room(OTHER).join(ALICE, BOB);
      homeserver.step(null);
      m.expectObservable(recipients(OTHER)).toBe("#", undefined, new RoomError(OTHER, "not-encrypted"));
      m.expectObservable(recipients("!none:example.org")).toBe(
        "#",
        undefined,
        new RoomError("!none:example.org", "not-joined", { cause: expect.anything() as unknown }),
      );
      m.afterwards(() => {
        rooms.rooms$.subscribe((all) => {
          expect([...all.keys()]).toEqual([ROOM]);
        });
      });
    }),
  );

  it(
    "are asked for of a room that sync has not shown, such as one that was joined before there was this extension",
    marbles((m) => {
      const homeserver = homeserverIn(m);
      const { recipients, tracked } = roomsIn(m, { homeserver });
      homeserver.step(homeserver.token); // an incremental sync that says nothing of rooms
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests).toEqual([{ roomId: ROOM, at: undefined, sentAt: 0 }]);
        expect(tracked()).toBe("alice bob");
      });
    }),
  );

  it(
    "are an error if members or devices cannot be learned, and the next call tries again",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m);
      homeserver.step(null);
      const error = new Error("down");
      homeserver.failNextMembers(error);
      m.acts("-a", { a: () => homeserver.failNext(error) });
      m.expectObservable(recipients()).toBe("#", undefined, new RoomError(ROOM, "members-unknown", { cause: error }));
      m.expectObservable(recipients(), "--^").toBe(
        "--#",
        undefined,
        new RoomError(ROOM, "devices-unknown", { cause: error }),
      );
      m.expectObservable(recipients(), "---^").toBe("---(x|)", { x: "alice ALICE1, bob BOB1" });
    }),
  );

  it(
    "are an error after 150 s if the server does not answer, and at once when the tracker is closed",
    marbles((m) => {
      const membersApi = { members: () => NEVER, state: () => NEVER };
      const { homeserver, recipients, tracker } = roomsIn(m, { membersApi });
      homeserver.step(null);
      const cause = new Error("the members were not answered within 150000 ms");
      m.acts("200s c", { c: () => tracker.close() });
      m.expectObservable(recipients()).toBe("150s #", undefined, new RoomError(ROOM, "members-unknown", { cause }));
      m.expectObservable(recipients(), "160s ^").toBe("200s #", undefined, new TrackerClosedError());
    }),
  );

  it(
    "of an unreachable homeserver are uncertain, and listed apart if nothing is known of them",
    marbles((m) => {
      const homeserver = homeserverIn(m, 0, [ALICE, EVE]);
      const { rooms } = roomsIn(m, { homeserver });
      homeserver.unreachable.add("down.example");
      homeserver.step(null);
      rooms.recipients(ROOM, ALL).subscribe(({ uncertain, unlisted, joined }) => {
        expect({ uncertain, unlisted, joined }).toEqual({ uncertain: [EVE], unlisted: [EVE], joined: [ALICE, EVE] });
      });
      expect.assertions(1);
    }),
  );

  it(
    "come with what the room says of its encryption, and who is told that they get no key",
    marbles((m) => {
      const homeserver = homeserverIn(m);
      const { rooms } = roomsIn(m, { homeserver });
      const room = homeserver.room(ROOM);
      room.encrypt({ rotation_period_ms: 1_000, rotation_period_msgs: -5 });
      room.set("m.room.encryption", { algorithm: "m.other", rotation_period_ms: 2_000 }); // the algorithm stays
      homeserver.step(null);
      room.set("m.room.encryption", {}); // cannot be switched off
      homeserver.step();
      rooms
        .recipients(ROOM, { ...ALL, blocked: [{ userId: BOB, deviceId: "BOB1" }] })
        .subscribe(({ encryption, withheld, devices }) => {
          expect(encryption).toMatchObject({ rotationPeriodMs: 2_000, rotationPeriodMsgs: 100 });
          expect(devices.map(({ deviceId }) => deviceId)).toEqual(["ALICE1"]);
          expect(withheld).toEqual([{ userId: BOB, deviceId: "BOB1", reason: "blocked", withheld: "m.blacklisted" }]);
        });
      expect.assertions(3);
    }),
  );
});

describe("two rooms", () => {
  it(
    "share their members: who leaves one of them stays tracked",
    marbles((m) => {
      const homeserver = homeserverIn(m, 0, [ALICE, BOB, CAROL]);
      const other = encryptedRoom(homeserver, OTHER, [ALICE, BOB]);
      const { tracked } = roomsIn(m, { homeserver, isLazy: false });
      homeserver.step(null);
      expect(tracked()).toBe("alice bob carol");
      homeserver.room(ROOM).leave(BOB, CAROL);
      homeserver.step();
      expect(tracked()).toBe("alice bob");
      other.leave(ALICE);
      homeserver.step();
      expect(tracked()).toBe("alice");
    }),
  );
});
