import { describe, expect, it } from "vitest";
import { ECHO_TIME, RecentQueries } from "../../src/query/recent-queries.js";
import { BOB, CAROL } from "../support/users.js";

describe("RecentQueries", () => {
  it("has whom a query was sent for within the last 10 s", () => {
    const recent = new RecentQueries();
    recent.note([BOB], 1_000);
    expect(ECHO_TIME).toBe(10_000);
    expect([1_000, 10_999, 11_000].map((now) => recent.has(BOB, now))).toEqual([true, true, false]);
    expect(recent.has(CAROL, 1_000)).toBe(false);
  });

  it("counts from the last query", () => {
    const recent = new RecentQueries();
    recent.note([BOB], 0);
    recent.note([BOB], 5_000);
    recent.note([CAROL], 12_000);
    expect([14_999, 15_000].map((now) => recent.has(BOB, now))).toEqual([true, false]);
  });

  it("still has the recent ones when it forgets the older ones", () => {
    const recent = new RecentQueries();
    recent.note([BOB], 0);
    recent.note([CAROL], 9_000);
    recent.note([], 10_000);
    expect([BOB, CAROL].map((user) => recent.has(user, 10_000))).toEqual([false, true]);
  });
});
