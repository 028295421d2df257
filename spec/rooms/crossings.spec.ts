import { map, merge, Subject, timer } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { ScriptedStore } from "../../src/testing/scripted-store.js";
import { marbles } from "../support/marbles.js";
import { ALICE, BOB, CAROL } from "../support/users.js";
import { encryptedRoom, homeserverIn, OTHER, otherTabIn, ROOM, roomsIn } from "./rooms-in.js";

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
});
