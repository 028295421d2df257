import { merge, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import type { SyncResponse } from "../../src/model/wire.js";
import { marbles } from "../support/marbles.js";
import { BOB, CAROL } from "../support/users.js";
import { homeserverIn, otherTabIn, ROOM, roomsIn } from "./rooms-in.js";

describe("a membership that we have changed ourselves", () => {
  it(
    "counts at once: an invitation, and a removal",
    marbles((m) => {
      const { homeserver, recipients, rooms, tracked } = roomsIn(m);
      homeserver.step(null);
      recipients().subscribe();
      rooms.memberChanged(ROOM, CAROL, "invite").subscribe();
      rooms.memberChanged(ROOM, BOB, "leave").subscribe();
      expect(tracked()).toBe("alice");
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, carol CAROL1; uncertain carol" });
    }),
  );

  it(
    "is durable, and known in every tab",
    marbles((m) => {
      const first = roomsIn(m);
      const other = otherTabIn(m, first);
      first.homeserver.step(null);
      first.recipients().subscribe();
      m.expectObservable(first.rooms.memberChanged(ROOM, BOB, "ban")).toBe("|");
      m.expectObservable(other.recipients(), "-^").toBe("-(x|)", { x: "alice ALICE1" });
    }),
  );

  it(
    "is not undone by a response that may be older: the members are fetched as they are now",
    marbles((m) => {
      const homeserver = homeserverIn(m);
      const onItsWay$ = new Subject<SyncResponse>();
      const sync$ = merge(homeserver.sync$, onItsWay$);
      const { recipients, rooms } = roomsIn(m, { homeserver, sync$ });
      const room = homeserver.room(ROOM);
      const { next_batch: since } = homeserver.step(null);
      recipients().subscribe();
      room.join(CAROL);
      const older = homeserver.respond(since);
      room.leave(CAROL);
      rooms.memberChanged(ROOM, CAROL, "leave").subscribe();
      onItsWay$.next(older);
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests.map(({ at }) => at)).toEqual([since, undefined]);
      });
    }),
  );

  it(
    "is what sync says from the second response on",
    marbles((m) => {
      const { homeserver, recipients, rooms } = roomsIn(m);
      const room = homeserver.room(ROOM);
      homeserver.step(null);
      recipients().subscribe();
      rooms.memberChanged(ROOM, BOB, "leave").subscribe();
      room.leave(BOB);
      homeserver.step();
      room.join(BOB);
      homeserver.step();
      m.expectObservable(recipients()).toBe("(x|)", { x: "alice ALICE1, bob BOB1" });
      m.afterwards(() => {
        expect(homeserver.membersRequests).toHaveLength(1);
      });
    }),
  );
});
