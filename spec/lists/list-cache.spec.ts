import { describe, expect, it } from "vitest";
import { emptyList } from "../../src/trust/device-list.js";
import { CachedList, ListCache } from "../../src/lists/list-cache.js";
import { Revision } from "../../src/store/revision.js";
import { BOB, CAROL, DAVE, EVE } from "../support/users.js";

const cached = (revision: number) => new CachedList(emptyList(0), new Revision(revision));
const held = (cache: ListCache) => [BOB, CAROL, DAVE, EVE].filter((user) => cache.get(user) !== undefined);

describe("CachedList", () => {
  it("is made into what callers get once, for all of them, as long as our own key is the same", () => {
    const list = cached(1);
    const first = list.current("ours");
    expect(first).toStrictEqual({ ...list.list, identity: { state: "none", verified: false }, freshness: "current" });
    expect(list.current("ours")).toBe(first);
    expect(list.current("another")).not.toBe(first);
  });
});

describe("ListCache", () => {
  it("gives back what it was given, and nothing for others", () => {
    const cache = new ListCache(3);
    const bobs = cached(1);
    cache.set(BOB, bobs);
    expect(cache.get(BOB)).toBe(bobs);
    expect(cache.get(CAROL)).toBeUndefined();
  });

  it("replaces a user's list by a later one", () => {
    const cache = new ListCache(1);
    cache.set(BOB, cached(1));
    const later = cached(2);
    cache.set(BOB, later);
    expect(cache.get(BOB)).toBe(later);
  });

  it("forgets the list that was set first where none was asked for since", () => {
    const cache = new ListCache(3);
    for (const user of [BOB, CAROL, DAVE, EVE]) cache.set(user, cached(1));
    expect(held(cache)).toEqual([CAROL, DAVE, EVE]);
  });

  it("keeps a list that was asked for, and forgets the one that was not for longest", () => {
    const cache = new ListCache(3);
    for (const user of [BOB, CAROL, DAVE]) cache.set(user, cached(1));
    cache.get(BOB);
    cache.set(EVE, cached(1));
    expect(held(cache)).toEqual([BOB, DAVE, EVE]);
  });

  it("forgets nothing when a list is replaced while it is full", () => {
    const cache = new ListCache(3);
    for (const user of [BOB, CAROL, DAVE, BOB]) cache.set(user, cached(1));
    expect(held(cache)).toEqual([BOB, CAROL, DAVE]);
  });

  it("forgets whom it is told to forget", () => {
    const cache = new ListCache(3);
    for (const user of [BOB, CAROL, DAVE]) cache.set(user, cached(1));
    cache.delete(CAROL);
    expect(held(cache)).toEqual([BOB, DAVE]);
  });

  it("holds names of JavaScript as names", () => {
    const cache = new ListCache(3);
    expect(cache.get("__proto__")).toBeUndefined();
    cache.set("__proto__", cached(1));
    expect(cache.get("__proto__")).toBeDefined();
    expect(cache.get("constructor")).toBeUndefined();
  });
});
