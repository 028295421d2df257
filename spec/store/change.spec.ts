import { describe, expect, it } from "vitest";
import { isEmptyStep, joinSteps } from "../../src/store/change.js";
import { BOB, CAROL, crowd, DAVE } from "../support/users.js";
import { changing, leaving, step } from "./steps.js";

it.each([
  ["names no user and repeats its token", step({ since: "s1", next: "s1" }), true],
  ["names no user and leads to no token", step({ since: "s1" }), true],
  ["moves the token", step({ since: "s1", next: "s2" }), false],
  ["is the first one", step({ next: "s1" }), false],
  ["names a user who changed", step({ since: "s1", next: "s1", changed: [BOB] }), false],
  ["names a user who left", step({ since: "s1", next: "s1", left: [BOB] }), false],
  ["may hide changes", step({ everyone: "outdated" }), false],
  ["has no event of any extension", step({ since: "s1", next: "s1", events: { rooms: [] } }), true],
  ["has an event", step({ since: "s1", next: "s1", events: { rooms: [], inbox: [1] } }), false],
])("a step that %s: is it empty?", (_, given, isEmpty) => {
  expect(isEmptyStep(given)).toBe(isEmpty);
});

describe("two steps are joined", () => {
  it("if the second begins where the first ends; the last mention of a user counts", () => {
    const first = step({ since: "s1", next: "s2", changed: [BOB, CAROL], left: [DAVE] });
    const second = step({ since: "s2", next: "s3", changed: [DAVE], left: [BOB] });
    expect(joinSteps(first, second)).toEqual(step({ since: "s1", next: "s3", changed: [CAROL, DAVE], left: [BOB] }));
    expect(joinSteps(changing("s1", "s2"), leaving("s2", "s3", BOB))).toEqual(leaving("s1", "s3", BOB));
  });

  it("with the events of both, in order", () => {
    const first = step({ since: "s1", next: "s2", events: { rooms: [1, 2], inbox: [], ["__proto__"]: [3] } });
    const second = step({ since: "s2", next: "s3", events: { rooms: [4], inbox: [5], ["__proto__"]: [6] } });
    const events = { rooms: [1, 2, 4], inbox: [5], ["__proto__"]: [3, 6] };
    expect(joinSteps(first, second)).toEqual(step({ since: "s1", next: "s3", events }));
  });

  it("without the events of an extension that has missed one of them", () => {
    const first = step({ since: "s1", next: "s2", events: { rooms: [1], inbox: [2] } });
    const second = step({ since: "s2", next: "s3", events: { inbox: [3], constructor: [4] } });
    expect(joinSteps(first, second)).toEqual(step({ since: "s1", next: "s3", events: { inbox: [2, 3] } }));
    expect(joinSteps(first, changing("s2", "s3"))).toEqual(changing("s1", "s3"));
    expect(joinSteps(changing("s0", "s1"), first)).toEqual(changing("s0", "s2"));
  });

  it("with the events of one if the other moves no token: there is nothing to miss", () => {
    const first = step({ since: "s1", next: "s2", events: { rooms: [1] } });
    expect(joinSteps(first, changing("s2", "s2", BOB))).toEqual({ ...first, changed: [BOB] });
    expect(joinSteps(changing("s1", "s1", BOB), first)).toEqual({ ...first, changed: [BOB] });
  });

  it("as a part of a response if the second is one", () => {
    const part = step({ since: "s2", next: "s2", isPartial: true });
    expect(joinSteps(changing("s1", "s2"), part)).toEqual(step({ since: "s1", next: "s2", isPartial: true }));
    expect(joinSteps(part, changing("s2", "s3"))).toEqual(changing("s2", "s3"));
  });

  it.each([
    ["begins elsewhere", changing("s1", "s2"), changing("s3", "s4")],
    ["leads to no token", changing("s1", "s2"), step({ since: "s2" })],
    ["comes after one that leads to no token", step({ since: "s1" }), step({ next: "s2" })],
    ["is only events", changing("s1", "s2"), step({ events: { rooms: [1] } })],
    ["comes after one that is only events", step({ events: { rooms: [1] } }), changing("s1", "s2")],
    ["may hide changes", changing("s1", "s2"), step({ since: "s2", next: "s3", everyone: "outdated" })],
    ["names too many users with the first", changing("s1", "s2", BOB), leaving("s2", "s3", ...crowd(5_000))],
    ["comes after a failed gap", step({ since: "s1", next: "s2", everyone: "untracked" }), changing("s2", "s3")],
  ])("not if the second %s", (_, first, second) => {
    expect(joinSteps(first, second)).toBeUndefined();
  });
});
