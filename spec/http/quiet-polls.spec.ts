import { describe, expect, it } from "vitest";
import { hasNews, quietPause, quietPolls } from "../../src/http/quiet-polls.js";

describe("hasNews", () => {
  const empty = {
    next_batch: "s2",
    device_one_time_keys_count: { signed_curve25519: 50 },
    device_unused_fallback_key_types: ["signed_curve25519"],
    rooms: { join: {} },
    to_device: { events: [] },
  };

  it("is false for a response that only counts keys", () => {
    expect(hasNews(empty, "s1")).toBe(false);
  });

  it.each([
    ["a changed device list", { device_lists: { changed: ["@bob:example.org"], left: [] } }],
    ["an event in a room", { rooms: { join: { "!room:example.org": { timeline: { events: [{}] } } } } }],
    ["a to-device message", { to_device: { events: [{}] } }],
  ])("is true for %s", (_what, part) => {
    expect(hasNews({ ...empty, ...part }, "s1")).toBe(true);
  });

  it("is false if the token did not move", () => {
    expect(hasNews({ next_batch: "s1", device_lists: { changed: ["@bob:example.org"] } }, "s1")).toBe(false);
  });

  it("handles any depth of nesting", () => {
    let deep: Record<string, unknown> = {};
    for (let i = 0; i < 100_000; i++) deep = { deep };
    expect(hasNews({ next_batch: "s2", deep }, "s1")).toBe(false);
  });
});

describe("pauses for a server that does not hold polls", () => {
  /** The pauses after each of `count` empty responses that took `elapsed` ms. */
  function pauses(count: number, elapsed: number, timeout: number): number[] {
    let quiet = 0;
    return Array.from({ length: count }, () => {
      quiet = quietPolls(quiet, false, elapsed, timeout);
      return quietPause(quiet, elapsed, timeout);
    });
  }

  it("grow to 2 s after a few polls without one", () => {
    expect(pauses(9, 0, 30_000)).toEqual([0, 0, 0, 250, 500, 1_000, 2_000, 2_000, 2_000]);
  });

  it("include the time that the response took", () => {
    expect(pauses(7, 200, 30_000)).toEqual([0, 0, 0, 50, 300, 800, 1_800]);
  });

  it("do not affect a server that holds polls, even for less than requested", () => {
    expect(pauses(50, 30_000, 30_000).every((pause) => pause === 0)).toBe(true);
    expect(pauses(50, 2_500, 30_000).every((pause) => pause === 0)).toBe(true);
    expect(pauses(50, 600, 600).every((pause) => pause === 0)).toBe(true);
  });

  it("do not exceed the timeout, except for a minimum of 250 ms", () => {
    expect(pauses(9, 0, 600).at(-1)).toBe(600);
    expect(pauses(9, 0, 0).at(-1)).toBe(250);
  });

  it("end with news or with a poll that was held", () => {
    expect(quietPolls(20, true, 0, 30_000)).toBe(0);
    expect(quietPolls(20, false, 2_000, 30_000)).toBe(0);
    expect(quietPolls(20, false, 1_999, 30_000)).toBe(21);
  });
});
