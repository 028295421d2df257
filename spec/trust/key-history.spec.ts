import { describe, expect, it } from "vitest";
import { MAX_KEY_EVENTS_PER_USER } from "../../src/keys/limits.js";
import type { KeyEvent } from "../../src/model/key-event.js";
import { appendEvents, mergeHistories } from "../../src/trust/key-history.js";

const device = (deviceId: string): KeyEvent => ({ type: "first-seen", kind: "device", key: "key", deviceId, at: 1 });
const master = (key: string): KeyEvent => ({ type: "shown", kind: "master", key, at: 2 });
const many = (count: number, event: (name: string) => KeyEvent): readonly KeyEvent[] =>
  Array.from({ length: count }, (_, i) => event(`${i}`));

describe("a history of keys", () => {
  it("begins with the first events, and goes on with the next, in their order", () => {
    const first = appendEvents(undefined, [master("A"), device("PHONE")]);
    expect(first).toEqual([master("A"), device("PHONE")]);
    expect(appendEvents(first, [master("B")])).toEqual([...first, master("B")]);
    expect(first.length).toBe(2);
  });

  it("is full at its limit and no earlier", () => {
    const events = many(MAX_KEY_EVENTS_PER_USER, device);
    expect(appendEvents(events.slice(1), [device("last")])).toEqual([...events.slice(1), device("last")]);
    expect(appendEvents(events, [device("last")])).toEqual([...events.slice(1), device("last")]);
  });

  it("makes room by dropping the oldest events of devices, not those of the identity", () => {
    const events = [master("A"), ...many(MAX_KEY_EVENTS_PER_USER - 1, device)];
    const later = appendEvents(events, [device("new"), master("B")]);
    expect(later).toEqual([master("A"), ...events.slice(3), device("new"), master("B")]);
  });

  it("does not lose the identity to any number of devices at once", () => {
    const later = appendEvents([master("A")], many(3 * MAX_KEY_EVENTS_PER_USER, device));
    expect(later.length).toBe(MAX_KEY_EVENTS_PER_USER);
    expect(later[0]).toEqual(master("A"));
    expect(later.at(-1)).toEqual(device(`${3 * MAX_KEY_EVENTS_PER_USER - 1}`));
  });

  it("drops master keys that were only shown before those that were pinned", () => {
    const pinned: KeyEvent = { ...master("A"), type: "first-seen" };
    const shown = many(MAX_KEY_EVENTS_PER_USER, master);
    expect(appendEvents([pinned], shown)).toEqual([pinned, ...shown.slice(1)]);
  });

  it("drops the oldest of all if no event is a device's", () => {
    const events = many(MAX_KEY_EVENTS_PER_USER, master);
    expect(appendEvents(events, [master("new")])).toEqual([...events.slice(1), master("new")]);
  });
});

describe("two histories", () => {
  const at = (time: number, name = "PHONE"): KeyEvent => ({ ...device(name), at: time });

  it("become one in the order of time, in which what both have is once", () => {
    const beginning = [at(1), at(1, "TABLET")];
    expect(mergeHistories([...beginning, at(4)], [...beginning, at(2), at(5)])).toEqual([
      ...beginning,
      at(2),
      at(4),
      at(5),
    ]);
  });

  it("are the first one if the second has nothing else", () => {
    const history = [at(1), at(2)];
    expect(mergeHistories(history, [at(2)])).toBe(history);
    expect(mergeHistories(history, undefined)).toBe(history);
    expect(mergeHistories(undefined, history)).toEqual(history);
  });

  it("keep to the limit of one", () => {
    const merged = mergeHistories([master("A")], many(MAX_KEY_EVENTS_PER_USER, device));
    expect(merged.length).toBe(MAX_KEY_EVENTS_PER_USER);
    expect(merged).toContainEqual(master("A"));
  });
});
