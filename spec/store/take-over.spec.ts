import { describe, expect, it } from "vitest";
import type { Change } from "../../src/store/change.js";
import {
  applyLocally,
  doubt,
  emptyClone,
  follow,
  followSave,
  type Clone,
  type SavedState,
} from "../../src/store/clone.js";
import { NO_EXTENSIONS } from "../../src/store/extension-records.js";
import { rebase, type Outcome } from "../../src/store/rebase.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { OWNED_BY_ALICE } from "./in-store.js";
import { commits, step, track, usersOf } from "./steps.js";
import { WITHOUT_EXTENSIONS } from "./without-extensions.js";

const OURS = "this tab";

/** A clone on `s1`, in whose store Bob and Carol are tracked and current. */
function cloneOnS1(): Clone {
  const clone = emptyClone(ALICE);
  follow(clone, commits(1, step({ next: "s1", changed: [BOB, CAROL] })), 1);
  followSave(clone, [
    [BOB, 1],
    [CAROL, 1],
  ]);
  return clone;
}

describe("taking over a whole saved state", () => {
  const takeOver = (clone: Clone, state: SavedState) =>
    rebase(
      clone,
      {
        type: "everything",
        account: {
          owner: OWNED_BY_ALICE,
          state,
          hasLeft: () => false,
          passed: new Set(),
          ourKey: undefined,
          extensions: NO_EXTENSIONS,
          damaged: new Map(),
        },
      },
      OURS,
      WITHOUT_EXTENSIONS,
    );
  const saved = (clone: Clone, token: string, head: number, ...changes: readonly Change[]) => {
    const state = emptyClone(ALICE);
    follow(state, commits(1, ...changes), changes.length);
    return takeOver(clone, { ...state, token, head });
  };

  it("replaces users, token and head", () => {
    const clone = cloneOnS1();
    expect(saved(clone, "s7", 7, track(DAVE)).commits).toMatchObject([
      { number: 7, change: { since: "s1", next: "s7" } },
    ]);
    expect(usersOf(clone)).toEqual(["alice@0 none", "dave@1 none"]);
    expect([clone.token, clone.head]).toEqual(["s7", 7]);
  });

  it("keeps revisions that are the same, and so the queries sent at them", () => {
    const clone = cloneOnS1();
    const known = clone.users.get(BOB)?.revision;
    const { before } = saved(clone, "s1", 1, step({ next: "s1", changed: [BOB] }));
    expect(clone.users.get(BOB)?.revision).toBe(known);
    expect([...before.keys()]).toEqual([CAROL]);
  });

  it("takes over a save at the same revision", () => {
    const clone = emptyClone(ALICE);
    follow(clone, commits(1, track(BOB)), 1);
    const state = emptyClone(ALICE);
    follow(state, commits(1, track(BOB)), 1);
    followSave(state, [[BOB, 1]]);
    takeOver(clone, { ...state, token: "s1" });
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 current"]);
  });

  it("keeps a list that only memory has, at the same revision", () => {
    const clone = cloneOnS1();
    saved(clone, "s1", 1, step({ next: "s1", changed: [BOB, CAROL] }));
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 current", "carol@1 current"]);
  });

  it("tracks no user again: each may have left in a commit that is not known", () => {
    const clone = cloneOnS1();
    applyLocally(clone, track(DAVE));
    const { dropped } = saved(clone, "s7", 7, track(BOB));
    expect(dropped.map(({ outcome }) => outcome)).toEqual<Outcome[]>(["applied"]);
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 current"]);
  });

  it("does not end a doubt at the same revision", () => {
    const clone = cloneOnS1();
    doubt(clone, [BOB]);
    const state = cloneOnS1();
    takeOver(clone, { ...state, token: "s1" });
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 outdated", "carol@1 current"]);
  });
});
