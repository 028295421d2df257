import { describe, expect, it } from "vitest";
import { spreadAfterAnnouncement, waitAfterAnnouncement } from "../../src/lookup/announcement-wait.js";

describe("the wait before an announced user is queried", () => {
  const waitFor = (unchanged: number) => waitAfterAnnouncement(unchanged, 0, 0);

  it("is none, then 1 s, doubling to 5 min, after three answers without a change", () => {
    const waits = Array.from({ length: 14 }, (_, unchanged) => waitFor(unchanged) / 1_000);
    expect(waits).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  it("stays 5 min, however many answers changed nothing", () => {
    expect(waitFor(100_000)).toBe(300_000);
  });
});

describe("the wait after many announcements", () => {
  /** When announcements at these times will have counted. */
  const spread = (...times: readonly number[]) => times.reduce(spreadAfterAnnouncement, 0);
  const atOnce = (count: number, now = 0) => Array.from({ length: count }, () => now);

  it("is up to 1 s after more than 20 at once, until time has passed", () => {
    const waits = [1, 20, 21, 1_000].map((count) => waitAfterAnnouncement(0, spread(...atOnce(count)), 0));
    expect(waits).toEqual([0, 0, 1_000, 1_000]);
    const later = [400, 1_000, 2_000].map((now) => waitAfterAnnouncement(0, spread(...atOnce(21)), now));
    expect(later).toEqual([600, 0, 0]);
  });

  it("does not shorten the one after answers without a change", () => {
    expect(waitAfterAnnouncement(8, spread(...atOnce(1_000)), 0)).toBe(32_000);
  });

  it("is none for one announcement a second", () => {
    const times = Array.from({ length: 1_000 }, (_, second) => second * 1_000);
    expect(waitAfterAnnouncement(0, spread(...times), 1_000_000)).toBe(0);
  });

  it("is not longer after the clock was set back", () => {
    const [before, now] = [22_000_000, 1_000_000];
    expect(waitAfterAnnouncement(0, spread(...atOnce(30, before)), now)).toBe(1_000);
    const spreadUntil = spread(...atOnce(30, before), now);
    expect(waitAfterAnnouncement(0, spreadUntil, now)).toBe(1_000);
    expect(waitAfterAnnouncement(0, spreadUntil, now + 2_000)).toBe(0);
  });
});
