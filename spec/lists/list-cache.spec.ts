import { describe, expect, it } from "vitest";
import { CachedList, ListCache } from "../../src/lists/list-cache.js";
import { emptyList } from "../../src/trust/device-list.js";
import { BOB, CAROL, DAVE, EVE } from "../support/users.js";

const cached = (number: number) => new CachedList(emptyList(0), { number });
const held = (cache: ListCache) => [BOB, CAROL, DAVE, EVE].filter((userId) => cache.get(userId) !== undefined);
const full = () => {
  const cache = new ListCache(3);
  for (const userId of [BOB, CAROL, DAVE]) cache.set(userId, cached(1));
  return cache;
};

describe("a cached list", () => {
  it("is one object for all callers, as long as our own key is the same", () => {
    const list = cached(1);
    const first = list.current("ours");
    expect(first).toStrictEqual({
      ...list.list,
      identity: { state: "none", verified: false, wasVerified: false, collisions: [] },
      freshness: "current",
    });
    expect(list.current("ours")).toBe(first);
    expect(list.current("another")).not.toBe(first);
  });
});

describe("the cache", () => {
  it("returns what was set, and nothing for other users", () => {
    const cache = new ListCache(3);
    const bobs = cached(1);
    cache.set(BOB, bobs);
    expect(cache.get(BOB)).toBe(bobs);
    expect(cache.get(CAROL)).toBeUndefined();
  });

  it("replaces a list by a later one", () => {
    const cache = new ListCache(1);
    const later = cached(2);
    cache.set(BOB, cached(1));
    cache.set(BOB, later);
    expect(cache.get(BOB)).toBe(later);
  });

  it("drops the list that was used least recently when it is full", () => {
    const cache = full();
    cache.get(BOB);
    cache.set(EVE, cached(1));
    expect(held(cache)).toEqual([BOB, DAVE, EVE]);
  });

  it("drops nothing when a list is replaced", () => {
    const cache = full();
    cache.set(BOB, cached(2));
    expect(held(cache)).toEqual([BOB, CAROL, DAVE]);
  });

  it("drops a list that is deleted", () => {
    const cache = full();
    cache.delete(CAROL);
    expect(held(cache)).toEqual([BOB, DAVE]);
  });

  it("treats __proto__ and constructor as ordinary names", () => {
    const cache = new ListCache(3);
    expect(cache.get("__proto__")).toBeUndefined();
    cache.set("__proto__", cached(1));
    expect(cache.get("__proto__")).toBeDefined();
    expect(cache.get("constructor")).toBeUndefined();
  });
});
