import { describe, expect, it } from "vitest";
import type { Change } from "../../src/store/change.js";
import {
  advance,
  applyLocally,
  canFollow,
  doubt,
  emptyClone,
  follow,
  followSave,
  joinLocally,
  toCommits,
  type Clone,
} from "../../src/store/clone.js";
import { effectsSince } from "../../src/store/tracked-users.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { changing, commits, leaving, step, track, usersOf } from "./steps.js";

/** Alice's clone after these commits. */
function cloneAt(...changes: readonly Change[]): Clone {
  const clone = emptyClone(ALICE);
  follow(clone, commits(1, ...changes), changes.length);
  return clone;
}

describe("a local step joined with the one before it", () => {
  it("is one commit with it, and undone with it", () => {
    const clone = cloneAt(changing("s0", "s1", BOB));
    applyLocally(clone, changing("s1", "s2", CAROL));
    const joined = joinLocally(clone, step({ since: "s2", next: "s3", changed: [DAVE], left: [BOB] }));
    expect(toCommits(clone)).toEqual(
      commits(2, step({ since: "s1", next: "s3", changed: [CAROL, DAVE], left: [BOB] })),
    );
    expect(usersOf(clone)).toEqual(["alice@0 none", "carol@2 none", "dave@2 none"]);
    expect([...(joined?.before.keys() ?? [])]).toEqual([BOB, DAVE]);
    expect([...(joined?.pending.undo.before.keys() ?? [])]).toEqual([CAROL, BOB, DAVE]);
    expect(joined?.pending.undo.token).toBe("s1");
  });

  it("gives a user who changes again another revision of the same number", () => {
    const clone = cloneAt();
    applyLocally(clone, changing("s0", "s1", BOB));
    const first = clone.users.get(BOB)?.revision;
    joinLocally(clone, changing("s1", "s2", BOB));
    expect(clone.users.get(BOB)?.revision).toEqual(first);
    expect(clone.users.get(BOB)?.revision).not.toBe(first);
  });

  it.each<[string, readonly Change[], boolean]>([
    ["there is none", [], false],
    ["a transaction has tried to commit that", [changing("s0", "s1")], true],
    ["that is no step", [changing("s0", "s1"), track(DAVE)], false],
  ])("is refused if %s", (_, changes, wasTried) => {
    const clone = cloneAt();
    for (const change of changes) applyLocally(clone, change).wasTried = wasTried;
    expect(joinLocally(clone, changing("s1", "s2", BOB))).toBeUndefined();
    expect(clone.pending).toHaveLength(changes.length);
  });
});

describe("a local change", () => {
  it("is applied at once, at the revision that its commit will have", () => {
    const clone = cloneAt(changing("s0", "s1", BOB));
    applyLocally(clone, changing("s1", "s2", CAROL));
    applyLocally(clone, track(DAVE));
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 none", "carol@2 none", "dave@3 none"]);
    expect(clone.token).toBe("s2");
    expect(clone.head).toBe(1);
  });

  it("waits for its commit, in order", () => {
    const clone = cloneAt(changing("s0", "s1", BOB));
    const changes = [changing("s1", "s2", CAROL), track(DAVE)];
    for (const change of changes) applyLocally(clone, change);
    expect(toCommits(clone)).toEqual(commits(2, ...changes));
  });

  it("is no longer pending once it is committed, and keeps its revision", () => {
    const clone = cloneAt(changing("s0", "s1", BOB));
    applyLocally(clone, changing("s1", "s2", CAROL));
    applyLocally(clone, track(DAVE));
    const { users } = { users: new Map(clone.users) };
    advance(clone, 1, 7);
    expect([clone.head, clone.position]).toEqual([2, 7]);
    expect(toCommits(clone)).toEqual(commits(3, track(DAVE)));
    expect(clone.users).toEqual(users);
  });
});

describe("announced commits", () => {
  it("are applied if they begin at the head", () => {
    const clone = cloneAt(changing("s0", "s1", BOB));
    const next = commits(2, leaving("s1", "s2", BOB), changing("s2", "s3", CAROL));
    expect(canFollow(clone, next)).toBe(true);
    follow(clone, next, 5);
    expect(usersOf(clone)).toEqual(["alice@0 none", "carol@3 none"]);
    expect([clone.head, clone.position, clone.token]).toEqual([3, 5, "s3"]);
  });

  it("are applied as far as they are new", () => {
    const clone = cloneAt(changing("s0", "s1", BOB));
    const known = clone.users.get(BOB);
    follow(clone, commits(1, changing("s0", "s1", BOB), changing("s1", "s2", CAROL)), 2);
    expect(clone.users.get(BOB)).toBe(known);
    expect(clone.head).toBe(2);
  });

  it("cannot be applied if one before them is missing", () => {
    expect(canFollow(cloneAt(step()), commits(3, step()))).toBe(false);
  });

  it("cannot be applied while a local change is pending", () => {
    const clone = cloneAt(step());
    applyLocally(clone, track(BOB));
    expect(canFollow(clone, commits(2, step()))).toBe(false);
  });

  it("do not move the position back", () => {
    const clone = cloneAt(step());
    clone.position = 9;
    follow(clone, commits(2, step()), 5);
    expect(clone.position).toBe(9);
  });

  it("say how their users were before all of them", () => {
    const clone = cloneAt(changing("s0", "s1", BOB));
    const was = clone.users.get(BOB);
    const before = follow(clone, commits(2, changing("s1", "s2", BOB), leaving("s2", "s3", BOB)), 3);
    expect(before).toEqual(new Map([[BOB, was]]));
  });
});

describe("an announced save", () => {
  const saved = (clone: Clone, number: number) => {
    followSave(clone, [[BOB, number]]);
    return usersOf(clone)[1];
  };

  it("makes a user current who is still at its revision", () => {
    expect(saved(cloneAt(track(BOB)), 1)).toBe("bob@1 current");
  });

  it("shows at another revision only that there is a list", () => {
    expect(saved(cloneAt(track(BOB), changing("s0", "s1", BOB)), 1)).toBe("bob@2 outdated");
  });

  it("changes nothing for a user who is not tracked", () => {
    expect(saved(cloneAt(track(BOB), leaving("s0", "s1", BOB)), 1)).toBeUndefined();
  });

  it("does not answer a number that is only a guess, since it is not committed", () => {
    const clone = cloneAt();
    applyLocally(clone, track(BOB));
    expect(saved(clone, 1)).toBe("bob@1 outdated");
  });

  it("does not answer a doubt: the list may be older", () => {
    const clone = cloneAt(track(BOB));
    doubt(clone, [BOB]);
    expect(saved(clone, 1)).toBe("bob@1 outdated");
  });

  it("keeps the revision, so that queries sent at it stay good", () => {
    const clone = cloneAt(track(BOB));
    const revision = clone.users.get(BOB)?.revision;
    saved(clone, 1);
    expect(clone.users.get(BOB)?.revision).toBe(revision);
  });
});

describe("a doubt", () => {
  it("outdates tracked users at a new revision of the same number", () => {
    const clone = cloneAt(track(BOB));
    followSave(clone, [[BOB, 1]]);
    const before = doubt(clone, [BOB, CAROL]);
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 outdated"]);
    expect(effectsSince(before, clone)).toEqual({ invalidated: [BOB], left: [], usersChanged: false });
  });

  it("ends with the commit that it was about", () => {
    const clone = cloneAt(track(BOB));
    doubt(clone, [BOB]);
    follow(clone, commits(2, changing("s0", "s1", BOB)), 2);
    followSave(clone, [[BOB, 2]]);
    expect(usersOf(clone)[1]).toBe("bob@2 current");
  });
});
