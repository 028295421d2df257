import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import { Revision } from "../../src/store/revision.js";
import { initialTracking, reduceTracking, type Tracking, type TrackingEvent } from "../../src/sync/tracking.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";

const start = new Revision(0);
const r1 = new Revision();
const r2 = new Revision();
const r3 = new Revision();

const reduce = (...events: readonly TrackingEvent[]): Tracking =>
  events.reduce(reduceTracking, initialTracking(ALICE, start));
const step = (
  changed: readonly UserId[],
  left: readonly UserId[] = [],
  rest: Partial<TrackingEvent & { type: "step" }> = {},
): TrackingEvent => ({
  type: "step",
  token: "s1",
  changed,
  left,
  everyone: false,
  revision: r1,
  ...rest,
});
const listed = (...users: readonly [UserId, Revision][]): TrackingEvent => ({
  type: "listed",
  users: new Map(users.map(([user, revision]) => [user, { revision }])),
});
const users = ({ users: all }: Tracking) => Object.fromEntries(all);

describe("the tracking reducer", () => {
  it("begins with our own user, outdated, and no token", () => {
    expect(reduce()).toEqual({
      token: undefined,
      users: new Map([[ALICE, { revision: start, outdated: true }]]),
      last: { invalidated: [], left: [], usersChanged: false },
    });
  });

  describe("at a step", () => {
    it("tracks who changed, outdated, at the step's revision", () => {
      expect(users(reduce(step([BOB])))[BOB]).toEqual({ revision: r1, outdated: true });
    });

    it("stands on the step's token", () => {
      expect(reduce(step([], [], { token: "s7" })).token).toBe("s7");
    });

    it("looks at the users of the step and at nobody else, however many are tracked", () => {
      const before = reduce(step(Array.from({ length: 1_000 }, (_, i) => `@user${i}:example.org`)));
      const touched: string[] = [];
      const watched = new Proxy(before.users as Map<UserId, never>, {
        get: (map, name) => {
          if (["forEach", "keys", "values", "entries", Symbol.iterator].includes(name)) touched.push(String(name));
          const value: unknown = Reflect.get(map, name, map);
          return typeof value === "function" ? (value.bind(map) as unknown) : value;
        },
      });
      const after = reduceTracking({ ...before, users: watched }, step([BOB], [CAROL]));
      expect(after.users).toBe(watched); // a copy would cost time in all who are tracked
      expect(touched).toEqual([]);
    });

    it("makes a user outdated again who was listed, at the new revision", () => {
      const state = reduce(step([BOB]), listed([BOB, r1]), step([BOB], [], { revision: r2 }));
      expect(users(state)[BOB]).toEqual({ revision: r2, outdated: true });
      expect(users(state)[BOB]?.revision).toBe(r2);
      expect(state.last).toEqual({ invalidated: [BOB], left: [], usersChanged: false });
    });

    it("no longer tracks who left", () => {
      const state = reduce(step([BOB, CAROL]), step([], [BOB]));
      expect([...state.users.keys()]).toEqual([ALICE, CAROL]);
      expect(state.last).toEqual({ invalidated: [], left: [BOB], usersChanged: true });
    });

    it("names as left who was not tracked either: a query for them may be in flight", () => {
      expect(reduce(step([], [BOB])).last).toEqual({ invalidated: [], left: [BOB], usersChanged: false });
    });

    it("that takes one user in and another out has another set, though one of the same size", () => {
      expect(reduce(step([BOB]), step([CAROL], [BOB])).last.usersChanged).toBe(true);
    });

    it("that changes only users who are tracked leaves the set the same", () => {
      expect(reduce(step([BOB]), step([BOB, ALICE])).last.usersChanged).toBe(false);
    });

    it("of everyone makes all outdated at its revision, and names whose list was good", () => {
      const state = reduce(
        step([BOB, CAROL, DAVE]),
        listed([BOB, r1], [CAROL, r1]),
        step([CAROL], [], { everyone: true, revision: r2 }),
      );
      expect([...state.users.values()].every(({ revision, outdated }) => revision === r2 && outdated)).toBe(true);
      expect(state.last).toEqual({ invalidated: [CAROL, BOB], left: [], usersChanged: false });
    });

    it("of everyone in which a user leaves names them as left only", () => {
      const state = reduce(step([BOB]), listed([BOB, r1]), step([], [BOB], { everyone: true, revision: r2 }));
      expect(state.last).toEqual({ invalidated: [], left: [BOB], usersChanged: true });
      expect(state.users.has(BOB)).toBe(false);
    });
  });

  describe("at track", () => {
    it("takes in who was not tracked, and leaves the others as they are", () => {
      const state = reduce(step([BOB]), listed([BOB, r1]), { type: "track", users: [BOB, CAROL], revision: r2 });
      expect(users(state)[BOB]).toEqual({ revision: r1, outdated: false });
      expect(users(state)[CAROL]).toEqual({ revision: r2, outdated: true });
      expect(state.last).toEqual({ invalidated: [CAROL], left: [], usersChanged: true });
    });

    it("keeps the token", () => {
      expect(reduce(step([]), { type: "track", users: [BOB], revision: r2 }).token).toBe("s1");
    });
  });

  describe("at listed", () => {
    it("makes a user up to date whose list answers their revision", () => {
      expect(users(reduce(step([BOB]), listed([BOB, r1])))[BOB]).toEqual({ revision: r1, outdated: false });
    });

    it("does nothing for a list of an earlier revision, of the same number too", () => {
      const state = reduce(step([BOB], [], { revision: r2 }), listed([BOB, r1]), listed([BOB, new Revision()]));
      expect(users(state)[BOB]).toEqual({ revision: r2, outdated: true });
    });

    it("does nothing for a user who has left", () => {
      expect(reduce(step([BOB]), step([], [BOB]), listed([BOB, r1])).users.has(BOB)).toBe(false);
    });

    it("invalidates nobody", () => {
      expect(reduce(step([BOB]), listed([BOB, r1])).last).toEqual({ invalidated: [], left: [], usersChanged: false });
    });
  });

  describe("at adopt", () => {
    const adopt = (
      user: UserId,
      from: Revision,
      to: { revision: Revision; outdated: boolean } | undefined,
    ): TrackingEvent => ({
      type: "adopt",
      users: new Map([[user, { from, to }]]),
    });

    it("takes over what the store says of a user who is still at that revision", () => {
      const state = reduce(step([BOB]), adopt(BOB, r1, { revision: r3, outdated: false }));
      expect(users(state)[BOB]).toEqual({ revision: r3, outdated: false });
      expect(state.last).toEqual({ invalidated: [BOB], left: [], usersChanged: false });
    });

    it("invalidates nobody where the revision is the same", () => {
      const state = reduce(step([BOB]), adopt(BOB, r1, { revision: r1, outdated: false }));
      expect(users(state)[BOB]).toEqual({ revision: r1, outdated: false });
      expect(state.last.invalidated).toEqual([]);
    });

    it("leaves alone who has changed since", () => {
      const state = reduce(step([BOB]), step([BOB], [], { revision: r2 }), adopt(BOB, r1, undefined));
      expect(users(state)[BOB]).toEqual({ revision: r2, outdated: true });
      expect(state.last).toEqual({ invalidated: [], left: [], usersChanged: false });
    });

    it("no longer tracks whom the store does not track", () => {
      const state = reduce(step([BOB]), adopt(BOB, r1, undefined));
      expect(state.users.has(BOB)).toBe(false);
      expect(state.last).toEqual({ invalidated: [], left: [BOB], usersChanged: true });
    });
  });

  it("at loaded is what was saved", () => {
    const saved = new Map([[BOB, { revision: r3, outdated: false }]]);
    const state = reduce({ type: "loaded", token: "s5", users: saved });
    expect(state.token).toBe("s5");
    expect(state.users).toEqual(saved);
    expect(state.users).not.toBe(saved);
    expect(state.last.usersChanged).toBe(true);
  });
});
