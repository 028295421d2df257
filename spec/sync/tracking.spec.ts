import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/model/ids.js";
import { applyChange, effectsSince, initialUsers } from "../../src/store/tracked-users.js";
import type { Change } from "../../src/store/change.js";
import { Tracking } from "../../src/sync/tracking.js";
import { step, track, untrack } from "../store/steps.js";
import { localpart } from "../support/summary.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

/** Alice's tracked users, and what is emitted for them. */
function trackingAlice() {
  const state = initialUsers(ALICE);
  const tracking = new Tracking(state.users);
  const names = tracking.set$.pipe(map((users) => Array.from(users, localpart).join(" ")));
  let number = 0;
  const apply = (change: Change) => {
    tracking.changed(effectsSince(applyChange(state, change, { number: ++number }), state));
  };
  const collect = (source$: typeof names): readonly string[] => {
    const seen: string[] = [];
    source$.subscribe((users) => seen.push(users));
    return seen;
  };
  return { tracking, names, apply, collect };
}

describe("the set of tracked users", () => {
  it("is emitted at once, and whenever it is another one", () => {
    const { names, apply, collect } = trackingAlice();
    const seen = collect(names);
    apply(track(BOB));
    apply(step({ left: [BOB], changed: [CAROL] }));
    expect(seen).toEqual(["alice", "alice bob", "alice carol"]);
  });

  it("is not emitted if the same users are tracked", () => {
    const { names, apply, collect } = trackingAlice();
    apply(track(BOB));
    const seen = collect(names);
    apply(step({ changed: [BOB] }));
    apply(step({ left: [CAROL] }));
    expect(seen).toEqual(["alice bob"]);
  });

  it("is not emitted if users left and came back before the emission", () => {
    const { tracking, names, apply, collect } = trackingAlice();
    apply(track(BOB));
    const seen = collect(names);
    tracking.changed({ invalidated: [BOB], left: [], usersChanged: true });
    expect(seen).toEqual(["alice bob"]);
  });

  it("is one object for all subscribers, as long as it is the same", () => {
    const { tracking } = trackingAlice();
    const sets: ReadonlySet<UserId>[] = [];
    tracking.set$.subscribe((set) => sets.push(set));
    tracking.set$.subscribe((set) => sets.push(set));
    expect(sets[0]).toBe(sets[1]);
  });

  it("is never altered after it was emitted", () => {
    const { tracking, apply } = trackingAlice();
    const sets: ReadonlySet<UserId>[] = [];
    tracking.set$.subscribe((set) => sets.push(set));
    apply(track(BOB));
    expect(sets.map((set) => set.size)).toEqual([1, 2]);
  });

  it("is emitted to a subscriber that changes it from inside its first emission", () => {
    const { names, apply } = trackingAlice();
    const seen: string[] = [];
    names.subscribe((users) => {
      seen.push(users);
      if (seen.length === 1) apply(track(BOB));
    });
    expect(seen).toEqual(["alice", "alice bob"]);
  });
});

describe("invalidations", () => {
  it("name users whose lists are not to be used any more, and users who left", () => {
    const { tracking, apply } = trackingAlice();
    const seen: unknown[] = [];
    tracking.invalidations$.subscribe((invalidations) => seen.push(invalidations));
    apply(track(BOB, CAROL));
    apply(step({ changed: [BOB], left: [CAROL] }));
    expect(seen).toEqual([
      { invalidated: [BOB, CAROL], left: [] },
      { invalidated: [BOB], left: [CAROL] },
    ]);
  });

  it("are not emitted if there are none", () => {
    const { tracking, apply } = trackingAlice();
    const seen: unknown[] = [];
    tracking.invalidations$.subscribe((invalidations) => seen.push(invalidations));
    apply(untrack(BOB));
    expect(seen).toEqual([]);
  });
});

describe("cached lists", () => {
  it("make users current who are still at the revision that they answer", () => {
    const { tracking, apply } = trackingAlice();
    apply(track(BOB, CAROL));
    const revision = tracking.get(BOB)?.revision ?? { number: 0 };
    apply(step({ changed: [CAROL] }));
    tracking.listed(new Map([BOB, CAROL].map((userId) => [userId, { revision }])));
    expect(tracking.get(BOB)).toEqual({ revision, outdated: false, hasList: true });
    expect(tracking.get(CAROL)?.outdated).toBe(true);
  });

  it("are compared by identity: a rebase may give the number to another commit", () => {
    const { tracking, apply } = trackingAlice();
    apply(track(BOB));
    tracking.listed(new Map([[BOB, { revision: { number: 1 } }]]));
    expect(tracking.get(BOB)?.outdated).toBe(true);
  });

  it("that turn out to be unusable outdate users who are still at that revision", () => {
    const { tracking, apply } = trackingAlice();
    apply(track(BOB));
    const revision = tracking.get(BOB)?.revision ?? { number: 0 };
    tracking.listed(new Map([[BOB, { revision }]]));
    tracking.unlisted(BOB, { number: 1 });
    expect(tracking.get(BOB)?.outdated).toBe(false);
    tracking.unlisted(BOB, revision);
    expect(tracking.get(BOB)).toEqual({ revision, outdated: true, hasList: true });
  });
});

describe("doubt", () => {
  it("is seen by lookups at once, and emitted when its turn comes", () => {
    const { tracking } = trackingAlice();
    const seen: boolean[] = [];
    tracking.doubtChanges$.subscribe(() => seen.push(tracking.inDoubt));
    tracking.setDoubt(true);
    expect([tracking.inDoubt, seen]).toEqual([true, []]);
    tracking.doubtChanged();
    tracking.setDoubt(false);
    tracking.doubtChanged();
    expect(seen).toEqual([true, false]);
  });
});
