import { describe, expect, it } from "vitest";
import { changesToAdopt, replaceState } from "../../src/store/adopt.js";
import type { Change } from "../../src/store/change.js";
import { emptyClone, follow, type Clone } from "../../src/store/clone.js";
import { SYNC } from "../../src/store/records.js";
import { ReplaceableStore } from "../../src/store/replaceable-store.js";
import { standIn } from "../../src/store/stand-in.js";
import type { UserId } from "../../src/model/ids.js";
import { effectsSince } from "../../src/store/tracked-users.js";
import { marbles, type Marbles } from "../support/marbles.js";
import { saved } from "../support/saved.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { chainIn, load } from "./chain-in.js";
import { storeOfAlice } from "./in-store.js";
import { changing, commits, invalidate, leaving, step, track, usersOf } from "./steps.js";

/** A clone after these commits. */
function cloneAfter(...changes: readonly Change[]): Clone {
  const clone = emptyClone(ALICE);
  follow(clone, commits(1, ...changes), changes.length);
  return clone;
}

describe("what memory commits to the store that it stood in for", () => {
  const at = (token: string | undefined, ...left: readonly UserId[]) => ({
    state: { ...emptyClone(ALICE), token },
    hasLeft: (userId: UserId) => left.includes(userId),
  });
  const gap = { type: "step", changed: [ALICE, BOB], left: [], everyone: "untracked", isGap: true };

  it("is a gap that could not be closed, but for the users whom it tracks", () => {
    const memory = cloneAfter(step({ next: "t1", changed: [BOB, CAROL] }), leaving("t1", "t2", CAROL));
    expect(changesToAdopt(memory, at("s5"))).toEqual([{ ...gap, since: "s5", next: "t2" }, track(ALICE, BOB)]);
    expect(changesToAdopt(memory, at(undefined))).toMatchObject([{ ...gap, since: undefined, next: "t2" }, {}]);
  });

  it("is the users whom it tracks, outdated, if it stands on no other token", () => {
    const expected = [track(ALICE, BOB), invalidate(ALICE, BOB)];
    expect(changesToAdopt(cloneAfter(track(BOB)), at("s5"))).toEqual(expected);
    expect(changesToAdopt(cloneAfter(step({ next: "s5", changed: [BOB] })), at("s5"))).toEqual(expected);
  });

  it("is no user who left in a commit that it did not hear of, except as of its own token", () => {
    expect(changesToAdopt(cloneAfter(track(BOB)), at("s5", BOB))).toEqual([track(ALICE), invalidate(ALICE, BOB)]);
    const memory = cloneAfter(step({ next: "t1", changed: [BOB] }));
    expect(changesToAdopt(memory, at("s5", BOB))).toEqual([{ ...gap, since: "s5", next: "t1" }, track(ALICE)]);
  });
});

describe("a clone whose state is replaced", () => {
  it("holds the other state, and has no revision that it had before", () => {
    const clone = cloneAfter(track(BOB), changing("t1", "t2", CAROL));
    const state = cloneAfter(track(BOB), changing("s1", "s5", DAVE));
    const before = replaceState(clone, { ...state, head: 7, position: 9, token: "s5" });
    expect(clone).toMatchObject({ head: 7, position: 9, token: "s5" });
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 none", "dave@2 none"]);
    expect(effectsSince(before, clone)).toEqual({ invalidated: [ALICE, BOB, DAVE], left: [CAROL], usersChanged: true });
  });
});

/** A chain on memory, and Alice's store, which it can go on in. */
function adoptingIn(m: Marbles) {
  const records = storeOfAlice();
  const memory = standIn(ALICE, "memory");
  const place = new ReplaceableStore(memory.store);
  const under = chainIn(m, place, "tab", memory.account);
  const { chain } = under;
  const adopt = (account = load(records)) => {
    const changes = changesToAdopt(chain.clone, account);
    place.replace(records);
    chain.adopt(account);
    for (const change of changes) chain.apply(change);
    chain.commitPending();
  };
  return { ...under, records, adopt };
}

describe("a chain that goes on in the store that memory stood in for", () => {
  it(
    "commits there on top of what it holds, and announces it",
    marbles((m) => {
      const { apply, adopt, records, users } = adoptingIn(m);
      const other = chainIn(m, records, "another tab");
      other.apply(changing("s0", "s1", BOB), track(DAVE));
      apply(step({ next: "t1", changed: [CAROL] }), changing("t1", "t2", CAROL));
      adopt();
      const expected = ["alice@3 none", "carol@3 none"];
      expect([users(), other.users()]).toEqual([expected, expected]);
      expect(saved(records, SYNC)).toMatchObject({ head: 4, token: "t2" });
      expect(other.events).toEqual(["followed 3 4: alice carol -bob -dave"]);
    }),
  );

  it(
    "goes on with a new life: it follows what is announced there, and not before",
    marbles((m) => {
      const { adopt, records, users, events } = adoptingIn(m);
      const other = chainIn(m, records, "another tab");
      other.apply(track(BOB));
      expect([users(), events]).toEqual([["alice@0 none"], []]);
      adopt();
      other.apply(track(CAROL));
      expect(users()).toEqual(["alice@3 none", "bob@1 none", "carol@4 none"]);
      expect(events).toEqual(["followed 4: carol"]);
    }),
  );

  it(
    "rebases what it commits if another tab has moved the head in the meantime",
    marbles((m) => {
      const { apply, adopt, records, users } = adoptingIn(m);
      const other = chainIn(m, records, "another tab");
      other.apply(changing("s0", "s1", BOB, DAVE));
      apply(step({ next: "t1", changed: [CAROL, DAVE] }));
      const account = load(records);
      other.apply(leaving("s1", "s2", DAVE));
      adopt(account);
      // The gap to t1 is of a stream that is behind, and Dave left in a commit that memory did not know.
      expect(users()).toEqual(["alice@3 none", "bob@3 none", "carol@4 none"]);
      expect(saved(records, SYNC)).toMatchObject({ head: 4, token: "s2" });
    }),
  );

  it(
    "tracks no user who left in a commit that memory did not hear of",
    marbles((m) => {
      const { apply, adopt, records, users } = adoptingIn(m);
      const other = chainIn(m, records, "another tab");
      other.apply(changing("s0", "s1", BOB, DAVE), leaving("s1", "s2", DAVE));
      apply(track(CAROL, DAVE));
      adopt();
      expect(users()).toEqual(["alice@4 none", "bob@1 none", "carol@4 none"]);
    }),
  );

  it(
    "tries its commit again if it fails",
    marbles((m) => {
      const { apply, adopt, records, store, events } = adoptingIn(m);
      apply(track(BOB));
      store.failNext("full", "update");
      adopt();
      expect([saved(records, SYNC), events]).toEqual([undefined, ["commit failed (full), again in 1000"]]);
      m.acts("1001ms c", { c: () => expect(saved(records, SYNC)).toMatchObject({ head: 2 }) });
    }),
  );
});

describe("an action that waits until the chain is idle", () => {
  it(
    "runs at once if nothing is under way",
    marbles((m) => {
      const seen: string[] = [];
      chainIn(m).chain.whenIdle(() => seen.push("ran"));
      expect(seen).toEqual(["ran"]);
    }),
  );

  it(
    "runs after the operation under way and all commits, and before saves",
    marbles((m) => {
      const { chain, apply, save, store } = chainIn(m);
      const seen: string[] = [];
      store.takes = 3;
      apply(track(BOB));
      save("a").subscribe(() => seen.push(`saved at ${m.scheduler.now()}`));
      chain.whenIdle(() => seen.push(`ran at ${m.scheduler.now()}`));
      apply(track(CAROL));
      m.afterwards(() => {
        expect(seen).toEqual(["ran at 6", "saved at 9"]);
      });
    }),
  );

  it(
    "does not run once the chain is closed",
    marbles((m) => {
      const { chain, apply, store } = chainIn(m);
      const seen: string[] = [];
      store.takes = 3;
      apply(track(BOB));
      chain.whenIdle(() => seen.push("ran"));
      chain.close(new Error("closed"));
      m.afterwards(() => {
        expect(seen).toEqual([]);
      });
    }),
  );
});
