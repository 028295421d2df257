import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import type { Change } from "../../src/store/change.js";
import {
  applyChange,
  effectsSince,
  initialUsers,
  type Before,
  type Effects,
  type TrackedUsers,
} from "../../src/store/tracked-users.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";
import { invalidate, step, track, untrack, usersOf } from "./steps.js";

/** Alice's tracked users after these changes, numbered from 1. */
function after(...changes: readonly Change[]): TrackedUsers {
  const state = initialUsers(ALICE);
  changes.forEach((change, i) => applyChange(state, change, { number: i + 1 }));
  return state;
}

/** The list of a user is saved. */
function listed(state: TrackedUsers, userId: UserId): TrackedUsers {
  const revision = state.users.get(userId)?.revision ?? { number: 0 };
  state.users.set(userId, { revision, outdated: false, hasList: true });
  return state;
}

/** What one more change does to this state. */
function effectsOf(state: TrackedUsers, change: Change): Effects {
  return effectsSince(applyChange(state, change, { number: 99 }), state);
}

describe("the tracked users of an empty store", () => {
  it("are our own user, outdated, at no token", () => {
    expect(usersOf(after())).toEqual(["alice@0 none"]);
    expect(after().token).toBeUndefined();
  });
});

describe("a step", () => {
  it("makes users who changed tracked and outdated, at its revision", () => {
    expect(usersOf(after(step({ changed: [BOB, ALICE] })))).toEqual(["alice@1 none", "bob@1 none"]);
  });

  it("keeps in mind that an outdated user has a saved list", () => {
    const state = listed(after(step({ changed: [BOB] })), BOB);
    applyChange(state, step({ changed: [BOB] }), { number: 2 });
    expect(usersOf(state)).toEqual(["alice@0 none", "bob@2 outdated"]);
  });

  it("no longer tracks users who left, and forgets that they had a list", () => {
    const state = listed(after(step({ changed: [BOB] })), BOB);
    applyChange(state, step({ left: [BOB] }), { number: 2 });
    expect(usersOf(state)).toEqual(["alice@0 none"]);
    applyChange(state, step({ changed: [BOB] }), { number: 3 });
    expect(usersOf(state)).toEqual(["alice@0 none", "bob@3 none"]);
  });

  it("moves the token, unless it leads to none", () => {
    expect(after(step({ next: "s1" })).token).toBe("s1");
    expect(after(step({ next: "s1" }), step({ changed: [BOB] })).token).toBe("s1");
  });

  it("that may hide changes outdates every tracked user", () => {
    const state = listed(after(step({ changed: [BOB, CAROL] })), BOB);
    applyChange(state, step({ everyone: "outdated", left: [CAROL] }), { number: 2 });
    expect(usersOf(state)).toEqual(["alice@2 none", "bob@2 outdated"]);
  });

  it("that may hide departures untracks all users but our own and its changed ones", () => {
    const state = listed(after(step({ changed: [BOB, CAROL] })), ALICE);
    applyChange(state, step({ everyone: "untracked", changed: [CAROL] }), { number: 2 });
    expect(usersOf(state)).toEqual(["alice@2 outdated", "carol@2 none"]);
  });

  it("looks at no user but those it names, however many are tracked", () => {
    const state = after(step({ changed: crowd(1_000) }));
    const iterated: string[] = [];
    const watched = new Proxy(state.users, {
      get: (users, name) => {
        if (["forEach", "keys", "values", "entries", Symbol.iterator].includes(name)) iterated.push(String(name));
        const value: unknown = Reflect.get(users, name, users);
        return typeof value === "function" ? (value.bind(users) as unknown) : value;
      },
    });
    applyChange({ ...state, users: watched }, step({ changed: [BOB], left: [CAROL] }), { number: 2 });
    expect(iterated).toEqual([]);
    expect(state.users.has(BOB)).toBe(true);
  });
});

describe("track", () => {
  it("tracks users who are not tracked, and leaves the others as they are", () => {
    const state = listed(after(step({ changed: [BOB], next: "s1" })), BOB);
    applyChange(state, track(BOB, CAROL), { number: 2 });
    expect(usersOf(state)).toEqual(["alice@0 none", "bob@1 current", "carol@2 none"]);
    expect(state.token).toBe("s1");
  });
});

describe("untrack", () => {
  it("untracks users, except our own", () => {
    expect(usersOf(after(track(BOB, CAROL), untrack(ALICE, BOB)))).toEqual(["alice@0 none", "carol@1 none"]);
  });
});

describe("invalidate", () => {
  it("outdates tracked users, and tracks no other", () => {
    expect(usersOf(after(track(BOB), invalidate(BOB, CAROL)))).toEqual(["alice@0 none", "bob@2 none"]);
  });
});

describe("what a change did", () => {
  it.each<[string, Change, Effects]>([
    ["a change", step({ changed: [BOB] }), { invalidated: [BOB], left: [], usersChanged: false }],
    ["a first appearance", step({ changed: [CAROL] }), { invalidated: [CAROL], left: [], usersChanged: true }],
    ["a departure", step({ left: [BOB] }), { invalidated: [], left: [BOB], usersChanged: true }],
    ["a departure of a user who is not tracked", step({ left: [CAROL] }), nothing()],
    ["track() of a tracked user", track(BOB), nothing()],
    ["untrack()", untrack(BOB), { invalidated: [], left: [BOB], usersChanged: true }],
    [
      "one user replacing another",
      step({ left: [BOB], changed: [CAROL] }),
      { invalidated: [CAROL], left: [BOB], usersChanged: true },
    ],
    [
      "an unreadable step",
      step({ everyone: "outdated" }),
      { invalidated: [ALICE, BOB], left: [], usersChanged: false },
    ],
    [
      "a gap that could not be closed",
      step({ everyone: "untracked" }),
      { invalidated: [ALICE], left: [BOB], usersChanged: true },
    ],
  ])("is known for %s", (_, change, effects) => {
    expect(effectsOf(after(track(BOB)), change)).toEqual(effects);
  });

  it("is nothing if users are the same again", () => {
    const state = after(track(BOB));
    const before: Before = new Map([[BOB, state.users.get(BOB)]]);
    state.users.delete(BOB);
    state.users.set(BOB, before.get(BOB) ?? { revision: { number: 0 }, outdated: true, hasList: false });
    expect(effectsSince(before, state)).toEqual(nothing());
  });

  it("compares revisions by identity, not by number", () => {
    const state = after(track(BOB));
    const before: Before = new Map([[BOB, state.users.get(BOB)]]);
    state.users.set(BOB, { revision: { number: 1 }, outdated: true, hasList: false });
    expect(effectsSince(before, state).invalidated).toEqual([BOB]);
  });
});

function nothing(): Effects {
  return { invalidated: [], left: [], usersChanged: false };
}
