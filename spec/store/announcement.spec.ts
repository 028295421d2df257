import { describe, expect, it } from "vitest";
import type { DeviceUpdate } from "../../src/model/updates.js";
import { readAnnouncement, type News } from "../../src/store/announcement.js";
import { BOB, CAROL } from "../support/users.js";
import { changing, commits, track } from "./steps.js";

const update: DeviceUpdate = {
  userId: BOB,
  added: ["PHONE"],
  removed: [],
  renamed: [],
  crossSigned: [],
  rekeyed: [],
  changed: [],
  refused: new Map([["OLD", { code: "malformed", detail: "keys: expected an object" }]]),
};

const announcing = (...news: readonly unknown[]) => ({ by: "tab", lifetime: "x", news });

describe("an announcement", () => {
  it.each<News>([
    { type: "commits", position: 3, commits: commits(2, changing("s1", "s2", BOB), track(CAROL)) },
    { type: "saved", lists: [[BOB, 2]], updates: [update] },
    { type: "saved", lists: [], updates: [] },
    { type: "acknowledged", userId: BOB },
    { type: "pending", userIds: [BOB] },
    { type: "pending", userIds: "everyone" },
    { type: "ask" },
    { type: "caught-up", head: 4 },
  ])("survives structured cloning: %j", (news) => {
    const announcement = announcing(news);
    expect(readAnnouncement(structuredClone(announcement))).toEqual(announcement);
  });

  it.each<unknown>([
    { type: "commits", position: 3, commits: [] },
    { type: "commits", position: "3", commits: commits(2, track(CAROL)) },
    { type: "commits", position: 3, commits: [{ number: 2, change: "?" }] },
    { type: "saved", lists: "?", updates: [] },
    { type: "saved", lists: [], updates: [{ ...update, refused: {} }] },
    { type: "saved", lists: [], updates: [{ ...update, userId: 5 }] },
    { type: "saved", lists: [], updates: [{ ...update, added: undefined }] },
    { type: "saved", lists: [] },
    { type: "acknowledged" },
    { type: "pending", userIds: [5] },
    { type: "pending" },
    { type: "caught-up", head: 1.5 },
    { type: "of a later version" },
    null,
  ])("is ignored as a whole if it has news that we do not understand: %j", (news) => {
    expect(readAnnouncement(announcing({ type: "ask" }, news))).toBeUndefined();
  });

  it.each<unknown>([
    undefined,
    null,
    "?",
    {},
    { by: "tab", lifetime: "x" },
    { by: 5, lifetime: "x", news: [] },
    { by: "tab", lifetime: 5, news: [] },
  ])("is ignored if it is %j", (value) => {
    expect(readAnnouncement(value)).toBeUndefined();
  });
});
