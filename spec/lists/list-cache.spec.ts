import { keysDigest } from "../../src/trust/keys-digest.js";
import { describe, expect, it } from "vitest";
import { CachedList, ListCache } from "../../src/lists/list-cache.js";
import { testDevice } from "../../src/testing/test-device.js";
import { emptyList } from "../../src/trust/device-list.js";
import { BOB, CAROL, DAVE, EVE } from "../support/users.js";

const cached = (number: number) => new CachedList(emptyList(0), { number });
const withDevices = (count: number) => {
  const devices = Array.from({ length: count }, (_, i) => [`D${i}`, testDevice(BOB, `D${i}`)] as const);
  return new CachedList({ ...emptyList(0), deviceKeys: new Map(devices) }, { number: 1 });
};
const held = (cache: ListCache) => [BOB, CAROL, DAVE, EVE].filter((userId) => cache.get(userId) !== undefined);
const limits = (maxListsInMemory: number, maxCacheBytes = Number.POSITIVE_INFINITY) => ({
  maxListsInMemory,
  maxCacheBytes,
});
const full = () => {
  const cache = new ListCache(limits(3));
  for (const userId of [BOB, CAROL, DAVE]) cache.set(userId, cached(1));
  return cache;
};

describe("a cached list", () => {
  it("is one object for all callers, as long as our own key is the same", () => {
    const list = cached(1);
    const first = list.current("ours");
    expect({ ...first, digest: first.digest }).toStrictEqual({
      ...list.list,
      identity: { state: "none", verified: false, wasVerified: false, collisions: [] },
      freshness: "current",
      digest: keysDigest(list.list),
    });
    expect(list.current("ours")).toBe(first);
    expect(list.current("another")).not.toBe(first);
  });
});

describe("the cache", () => {
  it("returns what was set, and nothing for other users", () => {
    const cache = new ListCache(limits(3));
    const bobs = cached(1);
    cache.set(BOB, bobs);
    expect(cache.get(BOB)).toBe(bobs);
    expect(cache.get(CAROL)).toBeUndefined();
  });

  it("replaces a list by a later one", () => {
    const cache = new ListCache(limits(1));
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

  it("drops the lists that were used least recently when they take too many bytes", () => {
    const [small, large] = [withDevices(1), withDevices(3)];
    const cache = new ListCache(limits(1_000, large.bytes + 2 * small.bytes));
    for (const userId of [BOB, CAROL, DAVE]) cache.set(userId, withDevices(1));
    cache.get(BOB);
    cache.set(EVE, large);
    expect(held(cache)).toEqual([BOB, DAVE, EVE]);
    cache.delete(EVE);
    for (const userId of [EVE, CAROL]) cache.set(userId, withDevices(1));
    expect(held(cache)).toEqual([BOB, CAROL, DAVE, EVE]);
  });

  it("keeps the list that was set last, however large it is", () => {
    const cache = new ListCache(limits(1_000, 1));
    cache.set(BOB, withDevices(1));
    cache.set(CAROL, withDevices(100));
    expect(held(cache)).toEqual([CAROL]);
  });

  it("counts the bytes of replaced and dropped lists no more", () => {
    const small = withDevices(1);
    const cache = new ListCache(limits(1_000, 3 * small.bytes));
    for (let i = 0; i < 10; i++) cache.set(BOB, withDevices(1));
    for (const userId of [CAROL, DAVE]) cache.set(userId, withDevices(1));
    expect(held(cache)).toEqual([BOB, CAROL, DAVE]);
    cache.clear();
    for (const userId of [BOB, CAROL, DAVE]) cache.set(userId, withDevices(1));
    expect(held(cache)).toEqual([BOB, CAROL, DAVE]);
  });

  it("counts what is kept beside a list", () => {
    const { list, revision } = withDevices(1);
    const pins = { devices: new Map(Array.from({ length: 1_000 }, (_, i) => [`D${i}`, "key"])) };
    expect(new CachedList(list, revision, { pins }).bytes).toBeGreaterThan(100_000);
    const { list: reported } = withDevices(100);
    expect(new CachedList(list, revision, { reported }).bytes).toBeGreaterThan(40_000);
  });

  it("treats __proto__ and constructor as ordinary names", () => {
    const cache = new ListCache(limits(3));
    expect(cache.get("__proto__")).toBeUndefined();
    cache.set("__proto__", cached(1));
    expect(cache.get("__proto__")).toBeDefined();
    expect(cache.get("constructor")).toBeUndefined();
  });
});
