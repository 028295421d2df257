import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import type { Change } from "../../src/store/change.js";
import type { ChainExtensions, SavedExtensions } from "../../src/store/extension-records.js";
import { applyLocally, emptyClone, follow, followSave, toCommits, type Clone } from "../../src/store/clone.js";
import type { Missing } from "../../src/store/read-missing.js";
import { rebase, rebased, type Outcome } from "../../src/store/rebase.js";
import { effectsSince } from "../../src/store/tracked-users.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";
import { changing, commits, invalidate, leaving, step, track, untrack, usersOf } from "./steps.js";
import { WITHOUT_EXTENSIONS } from "./without-extensions.js";

const OURS = "this tab";

/** What another tab appended to the log: commits from this number on, in a record of their own. */
const tail = (first: number, changes: readonly Change[], by = "another tab"): Missing => ({
  type: "tail",
  position: first,
  records: changes.length === 0 ? [] : [{ type: "commits", by, commits: commits(first, ...changes) }],
});

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

/** Applies local changes to it, and rebases them on what was committed in the meantime. */
function race(local: readonly Change[], committed: readonly Change[], by?: string) {
  const clone = cloneOnS1();
  for (const change of local) applyLocally(clone, change);
  const { before, dropped } = rebase(clone, tail(2, committed, by), OURS, WITHOUT_EXTENSIONS);
  return { clone, before, outcomes: dropped.map(({ outcome }) => outcome) };
}

describe("a pending step, rebased", () => {
  it("is applied completely if it begins at the token", () => {
    const { clone, outcomes } = race([leaving("s1", "s2", BOB)], [track(DAVE)]);
    expect(usersOf(clone)).toEqual(["alice@0 none", "carol@1 current", "dave@2 none"]);
    expect(toCommits(clone)).toEqual(commits(3, leaving("s1", "s2", BOB)));
    expect(clone.token).toBe("s2");
    expect(outcomes).toEqual([]);
  });

  it("is dropped as committed if it leads to the token: another tab, or a lost answer", () => {
    const { clone, outcomes } = race([changing("s1", "s2", BOB)], [changing("s1", "s2", BOB)]);
    expect(toCommits(clone)).toEqual([]);
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@2 outdated", "carol@1 current"]);
    expect(outcomes).toEqual<Outcome[]>(["committed"]);
  });

  it("of a stream that is behind outdates its users and keeps the token", () => {
    const late = step({ since: "s1", next: "s2", changed: [BOB, DAVE], left: [CAROL] });
    const { clone } = race([late], [step({ since: "s1", next: "s3" })]);
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@3 outdated", "carol@3 outdated"]);
    expect(toCommits(clone)).toEqual(commits(3, invalidate(BOB, DAVE, CAROL)));
    expect(clone.token).toBe("s3");
  });

  it("of a stream that is behind, naming no user, is applied and not committed", () => {
    const { clone, outcomes } = race([changing("s1", "s2")], [step({ since: "s1", next: "s3" })]);
    expect(toCommits(clone)).toEqual([]);
    expect(clone.token).toBe("s3");
    expect(outcomes).toEqual<Outcome[]>(["applied"]);
  });

  it.each([
    ["is unreadable", "outdated"],
    ["closes a gap in which any user may have changed", "untracked"],
  ] as const)("of a stream that is behind and %s outdates everyone", (_, everyone) => {
    const late = step({ since: "s1", next: "s2", everyone });
    const { clone } = race([late], [step({ since: "s1", next: "s3" })]);
    expect(usersOf(clone)).toEqual(["alice@3 none", "bob@3 outdated", "carol@3 outdated"]);
    expect(clone.token).toBe("s3");
  });

  it("that leads to no token is applied as it is", () => {
    const { clone } = race([step({ everyone: "outdated" })], [changing("s1", "s2", BOB)]);
    expect(usersOf(clone)).toEqual(["alice@3 none", "bob@3 outdated", "carol@3 outdated"]);
    expect(clone.token).toBe("s2");
  });

  it("follows the one before it, which decides the token", () => {
    const local = [changing("s1", "s2", BOB), changing("s2", "s3", CAROL)];
    const { clone, outcomes } = race(local, [changing("s1", "s2", BOB)]);
    expect(toCommits(clone)).toEqual(commits(3, changing("s2", "s3", CAROL)));
    expect(clone.token).toBe("s3");
    expect(outcomes).toEqual<Outcome[]>(["committed"]);
  });
});

describe("a pending step of events, rebased", () => {
  const events = { rooms: [1] };

  it("keeps them, and the token, if it begins at another one", () => {
    const { clone, outcomes } = race([step({ events })], [changing("s1", "s2", BOB)]);
    expect(toCommits(clone)).toEqual(commits(3, step({ events })));
    expect(clone.token).toBe("s2");
    expect(outcomes).toEqual([]);
  });

  it("is given to extensions again, which begin at what is saved: then its effects may be others", () => {
    const clone = cloneOnS1();
    applyLocally(clone, step({ events, changed: [BOB, CAROL], left: [DAVE] }), undefined, step({ events }));
    const calls: string[] = [];
    const extensions: ChainExtensions = {
      areNone: false,
      follow: () => {},
      late: () => undefined,
      records: () => new Map(),
      restore: ({ changes }, token) => calls.push(`restore ${changes.length} at ${String(token)}`),
      extend: (change) => {
        calls.push(`extend without ${clone.users.has(BOB) ? "nobody" : "bob"}`);
        return { ...change, changed: [DAVE], left: [] } as Change;
      },
    };
    const saved: SavedExtensions = { records: new Map(), changes: [leaving("s1", "s2", BOB)], isFromStart: true };
    const missing = { ...tail(2, [leaving("s1", "s2", BOB)]), extensions: saved };
    const { before } = rebase(clone, missing, OURS, extensions);
    expect(calls).toEqual(["restore 1 at s2", "extend without bob"]);
    expect(toCommits(clone)).toEqual(commits(3, step({ events, changed: [DAVE] })));
    expect(usersOf(clone)).toEqual(["alice@0 none", "carol@1 current", "dave@3 none"]);
    expect(effectsSince(before, clone)).toEqual({ invalidated: [DAVE, CAROL], left: [BOB], usersChanged: true });
  });

  it("is not applied again if a lost transaction of our own has committed it", () => {
    const { clone, outcomes } = race([step({ events })], [step({ events })], OURS);
    expect(toCommits(clone)).toEqual([]);
    expect(outcomes).toEqual<Outcome[]>(["applied"]);
  });

  it("loses them if it is a response that is behind, unless extensions keep some", () => {
    const late = { ...changing("s1", "s2", BOB), events };
    expect(toCommits(race([late], [changing("s1", "s3")]).clone)).toEqual(commits(3, invalidate(BOB)));
    expect(toCommits(race([late], [track(DAVE)]).clone)).toEqual(commits(3, late));
    const kept = { rooms: ["late"] };
    const onto = { hasLeft: () => false, late: () => kept };
    const { users } = emptyClone(ALICE);
    const at = { ownUserId: ALICE, token: "s3", users };
    expect(rebased(late, at, onto)).toEqual({ ...invalidate(BOB), events: kept });
    expect(rebased({ ...changing("s1", "s2"), events }, at, onto)).toEqual({ ...invalidate(), events: kept });
    const everyone = "untracked";
    const failed = { ...changing("s1", "s2"), events, everyone } as const;
    expect(rebased(failed, at, onto)).toEqual({ ...step({ everyone: "outdated" }), events: kept });
  });
});

describe("a pending change of the application, rebased", () => {
  it("tracks its users again", () => {
    const { clone } = race([track(DAVE)], [changing("s1", "s2", BOB)]);
    expect(toCommits(clone)).toEqual(commits(3, track(DAVE)));
    expect(usersOf(clone)).toContain("dave@3 none");
  });

  it("does not track users who left in a commit that its caller did not know", () => {
    const { clone, outcomes } = race([track(DAVE)], [leaving("s1", "s2", DAVE)]);
    expect(usersOf(clone)).not.toContain("dave@3 none");
    expect(outcomes).toEqual<Outcome[]>(["applied"]);
  });

  it("does not track users who became untracked in a gap that could not be closed", () => {
    const { clone } = race([track(DAVE)], [step({ since: "s1", next: "s2", everyone: "untracked" })]);
    expect(toCommits(clone)).toEqual([]);
  });

  it("is kept after a pending step that makes it unnecessary: the step may come to nothing", () => {
    const pending = [changing("s1", "s2", DAVE), track(DAVE)];
    const { clone, outcomes } = race(pending, [invalidate(BOB)]);
    expect(toCommits(clone)).toEqual(commits(3, ...pending));
    expect(outcomes).toEqual([]);
  });

  it("does not track users who may have left before another tab's first token of the account", () => {
    const clone = emptyClone(ALICE);
    applyLocally(clone, track(DAVE));
    rebase(clone, tail(1, [step({ next: "s4", everyone: "outdated" })]), OURS, WITHOUT_EXTENSIONS);
    expect(usersOf(clone)).toEqual(["alice@1 none"]);
    expect(toCommits(clone)).toEqual([]);
  });

  it("tracks users whom another tab has untracked: it is the later call", () => {
    const { clone } = race([track(DAVE)], [track(DAVE), untrack(DAVE)]);
    expect(toCommits(clone)).toEqual(commits(4, track(DAVE)));
  });

  it("tracks users who left before in a commit of our own: its caller knew of it", () => {
    const left = leaving("s1", "s2", DAVE);
    const { clone, outcomes } = race([left, track(DAVE)], [left], OURS);
    expect(toCommits(clone)).toEqual(commits(3, track(DAVE)));
    expect(outcomes).toEqual<Outcome[]>(["committed"]);
  });

  it("is not applied again if a lost transaction of our own has committed it", () => {
    const { clone, outcomes } = race([track(DAVE), untrack(DAVE), invalidate(BOB)], [track(DAVE), untrack(DAVE)], OURS);
    expect(outcomes).toEqual<Outcome[]>(["applied", "applied"]);
    expect(toCommits(clone)).toEqual(commits(4, invalidate(BOB)));
  });

  it("leaves out users whom another tab has tracked in the meantime", () => {
    const { clone } = race([track(DAVE, ALICE)], [track(DAVE)]);
    expect(toCommits(clone)).toEqual([]);
    expect(usersOf(clone)).toContain("dave@2 none");
  });

  it("untracks only users who are still tracked", () => {
    const { clone } = race([untrack(BOB, CAROL)], [leaving("s1", "s2", BOB)]);
    expect(toCommits(clone)).toEqual(commits(3, untrack(CAROL)));
  });

  it("outdates users whom another tab has untracked: it may be about to track them again", () => {
    const { clone } = race([invalidate(BOB)], [untrack(BOB)]);
    expect(toCommits(clone)).toEqual(commits(3, invalidate(BOB)));
    expect(usersOf(clone)).toEqual(["alice@0 none", "carol@1 current"]);
  });
});

describe("a rebase", () => {
  it("gives everything that was pending a new revision: its number was a guess", () => {
    const clone = cloneOnS1();
    applyLocally(clone, changing("s1", "s2", BOB));
    const guessed = clone.users.get(BOB)?.revision;
    const { before } = rebase(clone, tail(2, [track(DAVE)]), OURS, WITHOUT_EXTENSIONS);
    expect(clone.users.get(BOB)?.revision).toEqual({ number: 3 });
    expect(before.get(BOB)?.revision).toBe(guessed);
    expect(effectsSince(before, clone).invalidated).toEqual([BOB, DAVE]);
  });

  it("gives a user a new revision even if the number stays the same", () => {
    const clone = cloneOnS1();
    applyLocally(clone, changing("s1", "s2", BOB));
    const { before } = rebase(clone, tail(2, [changing("s1", "s2", BOB)]), OURS, WITHOUT_EXTENSIONS);
    expect(clone.users.get(BOB)?.revision).toEqual({ number: 2 });
    expect(effectsSince(before, clone).invalidated).toEqual([BOB]);
  });

  it("undoes a pending change that is dropped", () => {
    const { clone } = race([changing("s1", "s2", DAVE)], [step({ since: "s1", next: "s3" })]);
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 current", "carol@1 current"]);
  });

  it("does not touch users whom neither side changed: their queries stay good", () => {
    const { clone, before } = race([changing("s1", "s2", BOB)], [track(DAVE)]);
    expect(before.has(CAROL)).toBe(false);
    expect(usersOf(clone)).toContain("carol@1 current");
  });

  it("returns the commits of other trackers that were missing, not ours", () => {
    const clone = cloneOnS1();
    const record = (by: string, first: number, ...changes: readonly Change[]) => ({
      type: "commits" as const,
      by,
      commits: commits(first, ...changes),
    });
    const records = [record("another tab", 1, track(BOB), track(DAVE)), record(OURS, 3, untrack(BOB))];
    const { commits: unknown } = rebase(clone, { type: "tail", position: 3, records }, OURS, WITHOUT_EXTENSIONS);
    expect(unknown).toEqual(commits(2, track(DAVE)));
    expect(clone.head).toBe(3);
  });

  it("folds in saves that were missed", () => {
    const clone = emptyClone(ALICE);
    follow(clone, commits(1, track(BOB)), 1);
    rebase(
      clone,
      { type: "tail", position: 2, records: [{ type: "save", by: "other", lists: [[BOB, 1]] }] },
      OURS,
      WITHOUT_EXTENSIONS,
    );
    expect(usersOf(clone)).toEqual(["alice@0 none", "bob@1 current"]);
    expect(clone.position).toBe(2);
  });
});

describe("rebased", () => {
  const ONTO = { hasLeft: () => false, late: () => undefined };
  const on = (token: string | undefined, ...users: readonly UserId[]) => {
    const clone = emptyClone(ALICE);
    follow(clone, commits(1, track(...users)), 1);
    return { ...clone, token };
  };

  it("applies the first step of an account on an empty store", () => {
    const first = step({ next: "s1", changed: [BOB] });
    expect(rebased(first, on(undefined), ONTO)).toBe(first);
  });

  it("applies a step of a server that repeats its token", () => {
    const repeated = changing("s1", "s1", BOB);
    expect(rebased(repeated, on("s1"), ONTO)).toBe(repeated);
  });
});
