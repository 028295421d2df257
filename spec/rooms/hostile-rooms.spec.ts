import { catchError } from "rxjs";
import { describe, expect, it } from "vitest";
import { InvalidResponseError, StoreClearedError } from "../../src/model/errors.js";
import { RoomError } from "../../src/rooms/errors.js";
import { planKeyShare } from "../../src/rooms/plan-key-share.js";
import type { RoomRecipients } from "../../src/rooms/room-recipients.js";
import { Room } from "../../src/rooms/room.js";
import { readStateEvent } from "../../src/rooms/wire.js";
import { marbles } from "../support/marbles.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { ALL, encryptedRoom, OTHER, ROOM, roomsIn } from "./rooms-in.js";

describe("recipients", () => {
  it(
    "fail if the store is cleared while devices are queried, and nothing else does",
    marbles((m) => {
      const { homeserver, recipients, store } = roomsIn(m, { answerAfter: 5 });
      homeserver.step(null);
      m.acts("-------c", { c: () => store.clear().subscribe() });
      m.expectObservable(recipients()).toBe("----------#", undefined, new StoreClearedError());
    }),
  );

  it.each(["nonsense", "@nocolon", "@b\nob:example.org"])(
    "are known although a member has invited %j, who is no user",
    (nobody) => {
      marbles((m) => {
        const { homeserver, recipients } = roomsIn(m);
        homeserver.room(ROOM).invite(nobody);
        homeserver.step(null);
        m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1" });
      })();
    },
  );

  it(
    "are not those of a room that the server names by something else than a room ID",
    marbles((m) => {
      const { homeserver, rooms, tracker } = roomsIn(m);
      const problems: string[] = [];
      tracker.problems$.subscribe(({ message }) => problems.push(message));
      encryptedRoom(homeserver, "#room:example.org", [ALICE, BOB]);
      homeserver.step(null);
      rooms.rooms$.subscribe((all) => expect([...all.keys()]).toEqual([ROOM]));
      expect(problems).toEqual([expect.stringContaining("#room:example.org")]);
    }),
  );

  it(
    "are not called those of an unencrypted room because its encryption cannot be understood",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m);
      homeserver.room(OTHER).join(ALICE, BOB);
      homeserver.room(OTHER).set("m.room.encryption", { algorithm: 1 });
      homeserver.step(null);
      const cause = new InvalidResponseError("/state/m.room.encryption", "algorithm", "a string");
      m.expectObservable(recipients(OTHER)).toBe("#", undefined, new RoomError(OTHER, "members-unknown", { cause }));
    }),
  );

  it(
    "do not ask again and again for a server that lists our own user in left",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m);
      homeserver.step(null);
      recipients().subscribe();
      homeserver.leave(ALICE);
      homeserver.step();
      recipients().subscribe();
      expect(homeserver.membersRequests).toHaveLength(1);
    }),
  );

  it(
    "are fetched once for a caller that tries again in its error handler, and one that comes then",
    marbles((m) => {
      const { homeserver, recipients } = roomsIn(m, { answerAfter: 3 });
      homeserver.step(null);
      homeserver.failNextMembers(new Error("down"));
      recipients()
        .pipe(catchError(() => recipients()))
        .subscribe();
      m.expectObservable(recipients(), "----^").toBe("---------(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests.map(({ sentAt }) => sentAt)).toEqual([0, 3]);
      });
    }),
  );

  it(
    "of an unknown room leave nothing behind if they cannot be fetched",
    marbles((m) => {
      const { homeserver, recipients, rooms } = roomsIn(m);
      homeserver.step(null);
      homeserver.failNextMembers(new Error("down"));
      recipients("!unknown:example.org").subscribe({ error: () => {} });
      expect(JSON.stringify(rooms.records())).not.toContain("unknown:");
    }),
  );
});

describe("a room that cannot be refreshed", () => {
  it(
    "is tried again after a minute, with those that changed in the meantime",
    marbles((m) => {
      const { homeserver, recipients, tracker } = roomsIn(m);
      const other = encryptedRoom(homeserver, OTHER, [ALICE, CAROL]);
      homeserver.step(null);
      recipients(ROOM).subscribe();
      recipients(OTHER).subscribe();
      homeserver.room(ROOM).isLimited = true;
      homeserver.failNextMembers(new Error("down"));
      homeserver.step();
      m.acts("5s a 600s c", {
        a: () => {
          other.isLimited = true;
          other.join(DAVE);
          homeserver.step();
        },
        c: () => {
          tracker.close();
        },
      });
      m.afterwards(() => {
        const requests = homeserver.membersRequests.map(({ roomId, sentAt }) => `${roomId} ${sentAt}`);
        expect(requests.slice(2)).toEqual([`${ROOM} 0`, `${ROOM} 60000`, `${OTHER} 60000`]);
      });
    }),
  );
});

describe("what we did, answered late", () => {
  it.each(["shared", "joined"] as const)("does not make a user a guest who has accepted since (%s)", (visibility) => {
    marbles((m) => {
      const { homeserver, recipients, rooms } = roomsIn(m);
      const room = homeserver.room(ROOM);
      room.setVisibility(visibility);
      homeserver.step(null);
      recipients().subscribe();
      room.invite(CAROL);
      homeserver.step();
      room.join(CAROL);
      homeserver.step();
      rooms.memberChanged(ROOM, CAROL, "invite").subscribe();
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1, carol CAROL1" });
    })();
  });

  it(
    "does not remove a user who has come back since",
    marbles((m) => {
      const { homeserver, recipients, rooms } = roomsIn(m);
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      recipients().subscribe();
      room.kick(BOB);
      homeserver.step();
      room.join(BOB);
      homeserver.step();
      rooms.memberChanged(ROOM, BOB, "leave").subscribe();
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1" });
    }),
  );
});

describe("a session is replaced", () => {
  it(
    "if a member has become a guest in a limited timeline that does not show how",
    marbles((m) => {
      const { homeserver, rooms } = roomsIn(m);
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      const seen: RoomRecipients[] = [];
      const ask = () => rooms.recipients(ROOM, ALL).subscribe((now) => seen.push(now));
      ask();
      room.kick(BOB);
      room.invite(BOB);
      room.isLimited = true;
      homeserver.step();
      ask();
      const [then, now] = seen as [RoomRecipients, RoomRecipients];
      const session = { createdAt: 0, messageCount: 0, sharedWith: then.devices, stand: then.stand };
      expect(planKeyShare(session, now).rotate).toEqual([{ type: "user-left", userId: BOB }]);
    }),
  );

  it("if what was missed leads nowhere that is known, each time", () => {
    const room = new Room(ROOM, { added: (userId) => userId, removed: () => {} });
    const missed = [1, 2, 3].map(() => {
      room.miss(undefined);
      return room.missedUntil;
    });
    expect(new Set(missed).size).toBe(3);
    expect(missed).not.toContain(undefined);
  });
});

describe("rooms", () => {
  it(
    "stay encrypted rooms, with their members fetched again, if their records are lost",
    marbles((m) => {
      const { homeserver, recipients, rooms } = roomsIn(m);
      const shown: string[] = [];
      rooms.rooms$.subscribe((all) => shown.push([...all.keys()].join(" ")));
      homeserver.step(null);
      recipients().subscribe();
      expect(homeserver.membersRequests).toHaveLength(1);
      m.acts("-l", { l: () => rooms.restore(undefined) });
      m.expectObservable(recipients(), "--^").toBe("--(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(new Set(shown)).toEqual(new Set(["", ROOM]));
        expect(shown.at(-1)).toBe(ROOM);
        expect(shown.lastIndexOf("")).toBe(0);
        expect(homeserver.membersRequests).toHaveLength(2);
      });
    }),
  );

  it(
    "are left if we are removed and knock again within one response",
    marbles((m) => {
      const { homeserver, recipients, rooms, tracked } = roomsIn(m, { isLazy: false });
      homeserver.step(null);
      recipients().subscribe();
      const events = rooms.read({
        since: homeserver.token,
        next_batch: "s99",
        rooms: { knock: { [ROOM]: { knock_state: { events: [] } } } },
      });
      expect(events).toMatchObject([{ type: "sync", gone: [ROOM] }]);
      expect(tracked()).toBe("alice bob");
    }),
  );

  it("read an event whose time is no number", () => {
    const event = { type: "a", state_key: "", content: {}, origin_server_ts: { toString: 1 } };
    expect(readStateEvent(event)).toMatchObject({ type: "a" });
  });
});
