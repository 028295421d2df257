import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ServedUsers } from "../../src/olm-machine/served-users.js";
import { ALICE, BOB, CAROL, crowd } from "../support/users.js";

/** A set that counts how often it is asked for a user. */
class CountingSet extends Set<string> {
  lookups = 0;
  override has(userId: string): boolean {
    this.lookups++;
    return super.has(userId);
  }
}

describe("the tracked users that are followed", () => {
  it("are new, or have left", () => {
    const users = new ServedUsers();
    expect(users.follow(new Set([ALICE, BOB]))).toEqual([ALICE, BOB]);
    expect(users.wanted).toEqual([]);
    expect(users.follow(new Set([ALICE, CAROL]))).toEqual([CAROL]);
    expect(users.wanted).toEqual([CAROL]);
    expect([ALICE, BOB, CAROL].map((userId) => users.isGone(userId))).toEqual([false, true, false]);
    expect(users.follow(new Set([ALICE, CAROL, BOB]))).toEqual([BOB]);
    expect(users.isGone(BOB)).toBe(false);
    expect(users.takeAdded()).toEqual([ALICE, BOB, CAROL, BOB]);
  });

  it("are found in any order of the sets", () => {
    const some = fc.uniqueArray(fc.constantFrom(...crowd(8)));
    fc.assert(
      fc.property(some, some, (before, after) => {
        const users = new ServedUsers();
        users.follow(new Set(before));
        const added = users.follow(new Set(after));
        expect(added).toEqual(after.filter((userId) => !before.includes(userId)));
        for (const userId of crowd(8)) {
          expect(users.isTracked(userId)).toBe(after.includes(userId));
          expect(users.isGone(userId)).toBe(before.includes(userId) && !after.includes(userId));
        }
      }),
    );
  });

  it("are not looked up one by one if few of many change", () => {
    const many = crowd(1_000);
    const users = new ServedUsers();
    const [first, second] = [
      new CountingSet(many),
      new CountingSet([...many.slice(0, 500), ...many.slice(501), ALICE]),
    ];
    users.follow(first);
    first.lookups = 0;
    expect(users.follow(second)).toEqual([ALICE]);
    expect(first.lookups + second.lookups).toBeLessThan(5);
  });

  it("may be more than a call can have arguments", () => {
    const many = crowd(200_000);
    const users = new ServedUsers();
    expect(users.follow(new Set(many))).toHaveLength(200_000);
    expect(users.takeAdded()).toHaveLength(200_000);
  });
});
