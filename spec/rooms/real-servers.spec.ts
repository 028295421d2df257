import { defer, distinctUntilChanged, map, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { MatrixError } from "../../src/http/matrix-error.js";
import { RoomError } from "../../src/rooms/errors.js";
import type { MembersApi } from "../../src/rooms/members-api.js";
import { planKeyShare } from "../../src/rooms/plan-key-share.js";
import type { RoomRecipients } from "../../src/rooms/room-recipients.js";
import type { ScriptedHomeserver } from "../../src/testing/scripted-homeserver.js";
import { marbles } from "../support/marbles.js";
import { ALICE, BOB } from "../support/users.js";
import { ALL, homeserverIn, OTHER, ROOM, roomsIn, type RoomsUnderTest } from "./rooms-in.js";

/** What real servers do, and the specification allows. */
describe("a room that we are not in", () => {
  it(
    "has no recipients, although the server still shows the members of when we left",
    marbles((m) => {
      const { homeserver, recipients, tracked, rooms } = roomsIn(m);
      homeserver.step(null);
      recipients().subscribe();
      m.acts("-a", {
        a: () => {
          homeserver.room(ROOM).leave(ALICE);
          homeserver.step();
        },
      });
      m.expectObservable(recipients(), "--^").toBe("--#", undefined, new RoomError(ROOM, "not-joined"));
      m.afterwards(() => {
        expect(homeserver.rooms.members(ROOM, Number.POSITIVE_INFINITY)?.chunk).toHaveLength(1);
        expect(tracked()).toBe("alice");
        rooms.rooms$.subscribe((all) => {
          expect(all.size).toBe(0);
        });
      });
    }),
  );

  it(
    "has no recipients, although anyone may see its members",
    marbles((m) => {
      const members = () => of({ chunk: [{ type: "m.room.member", state_key: BOB, content: { membership: "join" } }] });
      const state = () => of({ algorithm: "m.megolm.v1.aes-sha2", history_visibility: "world_readable" });
      const { homeserver, recipients } = roomsIn(m, {
        homeserver: homeserverIn(m, 0, [BOB]),
        membersApi: { members, state },
      });
      homeserver.step(null);
      m.expectObservable(recipients()).toBe("#", undefined, new RoomError(ROOM, "not-joined"));
    }),
  );
});

describe("a proxy's page with status 404", () => {
  const failing = (errcode?: string) => {
    const failed = () => throwError(() => new MatrixError("/rooms", 404, { errcode }));
    return { members: failed, state: failed };
  };

  it(
    "does not show that we are not in a room, unlike a refusal by the homeserver",
    marbles((m) => {
      const behindProxy = roomsIn(m, { membersApi: failing() });
      const refused = roomsIn(m, { membersApi: failing("M_NOT_FOUND") });
      behindProxy.homeserver.step(null);
      refused.homeserver.step(null);
      m.expectObservable(behindProxy.recipients(OTHER)).toBe("#", undefined, new RoomError(OTHER, "members-unknown"));
      m.expectObservable(refused.recipients(OTHER)).toBe("#", undefined, new RoomError(OTHER, "not-joined"));
    }),
  );

  it(
    "does not end a watch or forget a room after a gap",
    marbles((m) => {
      const homeserver = homeserverIn(m);
      let proxied = homeserver.membersApi;
      const membersApi: MembersApi = {
        members: (request) => defer(() => proxied.members(request)),
        state: (request) => defer(() => proxied.state(request)),
      };
      const { watchRecipients, rooms } = roomsIn(m, { homeserver, membersApi, gaps: "distrust" });
      homeserver.step(null);
      m.acts("-a 4998ms b", {
        a: () => {
          proxied = failing();
          homeserver.change(BOB);
          const missed = homeserver.token;
          homeserver.change(BOB);
          homeserver.step(missed);
        },
        b: () => {
          proxied = homeserver.membersApi;
        },
      });
      const sizes = new Set<number>();
      rooms.rooms$.subscribe((all) => sizes.add(all.size));
      const isComplete$ = watchRecipients().pipe(
        map((summary) => !summary.includes("incomplete")),
        distinctUntilChanged(),
      );
      m.expectObservable(isComplete$).toBe("ab 5999ms a", { a: true, b: false });
      m.afterwards(() => {
        expect(sizes).toEqual(new Set([1]));
      });
    }),
  );
});

describe("a session from before", () => {
  it(
    "we were removed from a room and came back is replaced: anyone may have left, and come back",
    marbles((m) => {
      const under = roomsIn(m);
      const { homeserver } = under;
      homeserver.step(null);
      const before = recipientsNow(under);
      const room = homeserver.room(ROOM);
      room.leave(ALICE);
      homeserver.step();
      room.leave(BOB);
      room.join(BOB, ALICE);
      homeserver.step();
      expect(reasons(before, recipientsNow(under))).toEqual(["responses-missed"]);
    }),
  );

  it(
    "the store was lost is replaced",
    marbles((m) => {
      const homeserver = homeserverIn(m);
      const started = (): RoomRecipients => {
        const under = roomsIn(m, { homeserver });
        homeserver.step(null);
        return recipientsNow(under);
      };
      const before = started();
      leaveAndComeBack(homeserver);
      expect(reasons(before, started())).toEqual(["responses-missed"]);
    }),
  );

  it(
    "the store was lost is replaced, in a room that sync does not show",
    marbles((m) => {
      const homeserver = homeserverIn(m);
      const started = (): RoomRecipients => {
        const under = roomsIn(m, { homeserver });
        homeserver.step(homeserver.token);
        return recipientsNow(under);
      };
      const before = started();
      leaveAndComeBack(homeserver);
      expect(reasons(before, started())).toEqual(["responses-missed"]);
    }),
  );
});

function leaveAndComeBack(homeserver: ScriptedHomeserver): void {
  homeserver.room(ROOM).leave(BOB);
  homeserver.room(ROOM).join(BOB);
}

function recipientsNow({ rooms }: RoomsUnderTest): RoomRecipients {
  let now: RoomRecipients | undefined;
  rooms.recipients(ROOM, ALL).subscribe((recipients) => (now = recipients));
  if (now === undefined) throw new Error("the recipients are not known at once");
  return now;
}

function reasons(before: RoomRecipients, now: RoomRecipients): readonly string[] {
  const session = { createdAt: before.at, messageCount: 1, sharedWith: before.devices, stand: before.stand };
  return planKeyShare(session, now).rotate.map(({ type }) => type);
}
