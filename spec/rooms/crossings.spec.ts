import { map, merge, Subject, timer } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { RoomError } from "../../src/rooms/errors.js";
import { planKeyShare } from "../../src/rooms/plan-key-share.js";
import type { RoomRecipients } from "../../src/rooms/room-recipients.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import type { ScriptedRoom } from "../../src/testing/scripted-rooms.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { ALL, encryptedRoom, homeserverIn, OTHER, otherTabIn, ROOM, roomsIn } from "./rooms-in.js";

describe("recipients, when answers cross responses,", () => {
  it(
    "know the visibility that was set before the encryption was switched on",
    marbles((m) => {
      const homeserver = homeserverIn(m);
      const room = homeserver.room(OTHER);
      room.join(ALICE, BOB);
      room.invite(CAROL);
      room.setVisibility("joined");
      const { recipients } = roomsIn(m, { homeserver });
      homeserver.step(null);
      room.encrypt();
      homeserver.step();
      m.expectObservable(recipients(OTHER)).toBe("(x|)", { x: "alice ALICE1, bob BOB1; without carol" });
    }),
  );

  it(
    "are known of a room that is encrypted while the server says that it is not",
    marbles((m) => {
      const homeserver = homeserverIn(m, 4);
      homeserver.room(OTHER).join(ALICE, BOB);
      const { recipients } = roomsIn(m, { homeserver, answerAfter: 4 });
      homeserver.step(null);
      m.acts("--a", {
        a: () => {
          homeserver.room(OTHER).encrypt();
          homeserver.step();
        },
      });
      m.expectObservable(recipients(OTHER)).toBe("------------(x|)", { x: "alice ALICE1, bob BOB1" });
    }),
  );

  it(
    "wait for a response that has been given, while the gap before it is closed",
    marbles((m) => {
      const homeserver = homeserverIn(m, 3);
      const afterGap$ = new Subject<SyncResponse>();
      const sync$ = merge(homeserver.sync$, afterGap$);
      const changes = () => timer(5, m.scheduler).pipe(map(() => ({ changed: [], left: [] })));
      const { recipients } = roomsIn(m, { homeserver, answerAfter: 3, isLazy: false, sync$, changes });
      homeserver.step(null);
      m.acts("--a", {
        a: () => {
          homeserver.change();
          const { token } = homeserver;
          homeserver.room(ROOM).leave(BOB);
          afterGap$.next(homeserver.respond(token));
        },
      });
      m.expectObservable(recipients()).toBe("-------   ---(x|)", { x: "alice ALICE1" });
    }),
  );

  it(
    "of a watcher are not called current before a change of their devices is known",
    marbles((m) => {
      const { homeserver, watchRecipients } = roomsIn(m, { isLazy: false });
      homeserver.step(null);
      m.acts("--a", {
        a: () => {
          homeserver.addDevice(BOB, "BOB2");
          homeserver.room(ROOM).isLimited = true; // the room is named, too
          homeserver.step();
        },
      });
      m.expectObservable(watchRecipients()).toBe("x-(uyy)", {
        x: "alice ALICE1, bob BOB1",
        u: "alice ALICE1, bob BOB1; uncertain bob",
        y: "alice ALICE1, bob BOB1, bob BOB2",
      });
    }),
  );

  it(
    "include a user whom a tab that is behind has invited, and who has joined",
    marbles((m) => {
      const first = roomsIn(m, { isLazy: false });
      const { homeserver } = first;
      const { records } = first.store;
      homeserver.step(null);
      const store = new ScriptedStore({ scheduler: m.scheduler, records, announceAfter: 3 });
      const behind = otherTabIn(m, first, { isLazy: false, store });
      m.acts("-a", {
        a: () => {
          homeserver.room(ROOM).invite(CAROL);
          homeserver.room(ROOM).join(CAROL);
          homeserver.step();
          behind.rooms.memberChanged(ROOM, CAROL, "invite").subscribe();
        },
      });
      const x = "alice ALICE1, bob BOB1, carol CAROL1";
      m.expectObservable(first.recipients(), "------^").toBe("------(x|)", { x });
      m.expectObservable(behind.recipients(), "-------^").toBe("-------(x|)", { x });
    }),
  );

  it(
    "are the same in a tab that had asked for a room before another tab read of its encryption",
    marbles((m) => {
      const first = roomsIn(m, { isLazy: false });
      const { homeserver } = first;
      homeserver.room(OTHER).join(ALICE, CAROL);
      homeserver.step(null);
      const store = new ScriptedStore({ scheduler: m.scheduler, records: first.store.records, announceAfter: 3 });
      const behind = otherTabIn(m, first, { isLazy: false, store });
      encryptedRoom(homeserver, OTHER, []);
      m.acts("-a", {
        a: () => {
          homeserver.step();
          behind.recipients(OTHER).subscribe();
        },
      });
      m.afterwards(() => {
        const seen = [first, behind].map(({ rooms, tracked }) => {
          let isComplete: boolean | undefined;
          rooms.rooms$.subscribe((all) => (isComplete = all.get(OTHER)?.isComplete));
          return `${String(isComplete)}, ${tracked()}`;
        });
        expect(seen).toEqual(["true, alice bob carol", "true, alice bob carol"]);
      });
    }),
  );

  it.each([
    ["we leave", ALICE, [[], "not-joined"]],
    ["a member leaves", CAROL, [[OTHER], [ALICE, BOB]]],
  ])(
    "are those of the response if another tab reads in it that %s, of a room that this one has just asked for",
    (_, leaving, remaining) => {
      marbles((m) => {
        const homeserver = homeserverIn(m);
        encryptedRoom(homeserver, OTHER, [ALICE, BOB, CAROL]);
        const store = new ScriptedStore({ scheduler: m.scheduler, announceAfter: 3 });
        const first = roomsIn(m, { homeserver, isLazy: false, store });
        homeserver.step(homeserver.token); // an incremental sync that says nothing of rooms
        const { records } = store;
        const other = otherTabIn(m, first, { isLazy: false, store: new ScriptedStore({ ...m, records }) });
        m.acts("-a", {
          a: () => {
            other.recipients(OTHER).subscribe();
            homeserver.room(OTHER).leave(leaving);
            homeserver.step();
          },
        });
        m.afterwards(() => {
          for (const { rooms } of [first, other]) {
            const found: unknown[] = [];
            rooms.rooms$.subscribe((all) => found.push([...all.keys()]));
            rooms.recipients(OTHER, ALL).subscribe({
              next: ({ joined }) => found.push(joined),
              error: (error: unknown) => found.push((error as RoomError).reason),
            });
            expect(found).toEqual(remaining);
          }
        });
      })();
    },
  );

  describe("if a response is late, because another tab has moved on,", () => {
    /** Two tabs on the same token. The response to an earlier one, of what happens next, is given to the second tab. */
    const lateResponse = (m: Marbles, happens: (room: ScriptedRoom) => void) => {
      const first = roomsIn(m, { isLazy: false });
      const { homeserver } = first;
      homeserver.step(null);
      const before = homeserver.token;
      const sync$ = new Subject<SyncResponse>();
      const second = otherTabIn(m, first, { isLazy: false, sync$ });
      homeserver.addDevice(BOB, "BOB2");
      homeserver.step();
      m.acts("-a", {
        a: () => {
          happens(homeserver.room(ROOM));
          sync$.next(homeserver.respond(before));
        },
      });
      return { first, second };
    };

    it(
      "are without a user who has left, in all tabs",
      marbles((m) => {
        const { first, second } = lateResponse(m, (room) => {
          room.leave(BOB);
        });
        m.expectObservable(first.recipients(), "--^").toBe("--(x|)", { x: "alice ALICE1" });
        m.expectObservable(second.recipients(), "--^").toBe("--(x|)", { x: "alice ALICE1" });
        m.expectObservable(second.watchRecipients()).toBe("xy", {
          x: "alice ALICE1, bob BOB1, bob BOB2",
          y: "alice ALICE1",
        });
      }),
    );

    it(
      "include a user who has come, and know the visibility",
      marbles((m) => {
        const { first } = lateResponse(m, (room) => {
          room.join(CAROL);
          room.invite(DAVE);
          room.setVisibility("joined");
        });
        const x = "alice ALICE1, bob BOB1, bob BOB2, carol CAROL1; without dave";
        m.expectObservable(first.recipients(), "--^").toBe("--(x|)", { x });
      }),
    );

    it(
      "are not known of a room that we are no longer in",
      marbles((m) => {
        const { first } = lateResponse(m, (room) => {
          room.leave(ALICE);
        });
        m.expectObservable(first.recipients(), "--^").toBe("--#", undefined, new RoomError(ROOM, "not-joined"));
      }),
    );

    it(
      "need a new session after a later departure than the one that it shows",
      marbles((m) => {
        const first = roomsIn(m, { isLazy: false });
        const { homeserver, rooms } = first;
        const comeAndGo = () => {
          homeserver.room(ROOM).leave(BOB);
          homeserver.room(ROOM).join(BOB);
        };
        homeserver.step(null);
        const before = homeserver.token;
        const sync$ = new Subject<SyncResponse>();
        otherTabIn(m, first, { isLazy: false, sync$ });
        comeAndGo();
        const late = homeserver.step(before);
        const found: RoomRecipients[] = [];
        const find = () => rooms.recipients(ROOM, ALL).subscribe((recipients) => found.push(recipients));
        m.acts("-abcd", {
          a: find,
          b: () => {
            comeAndGo();
            homeserver.step();
          },
          c: () => sync$.next(late),
          d: find,
        });
        m.afterwards(() => {
          const [{ at, devices, stand }, now] = found as [RoomRecipients, RoomRecipients];
          const session = { createdAt: at, messageCount: 0, sharedWith: devices, stand };
          expect(planKeyShare(session, now).rotate).toEqual([{ type: "user-left", userId: BOB }]);
        });
      }),
    );
  });
});
