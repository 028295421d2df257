import { describe, expect, it } from "vitest";
import { announcedChanges, stepsIn, toResponse } from "../../src/tracker/announced-changes.js";
import { changing, commits, leaving, step, track } from "../store/steps.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";

const nothing = { invalidated: [], left: [], usersChanged: false };

describe("the changes that steps announce", () => {
  it("are those of all their users, whether they are tracked or not", () => {
    const steps = [changing("s0", "s1", BOB), leaving("s1", "s2", CAROL)];
    expect(announcedChanges(steps, nothing)).toEqual({ changed: [BOB], left: [CAROL] });
  });

  it("count a user once, by the last step that names them", () => {
    const steps = [changing("s0", "s1", BOB, CAROL), leaving("s1", "s2", BOB), changing("s2", "s3", BOB)];
    expect(announcedChanges(steps, nothing)).toEqual({ changed: [BOB, CAROL], left: [] });
  });

  it("include everyone whom a step outdated or untracked", () => {
    const effects = { invalidated: [ALICE, BOB], left: [CAROL], usersChanged: true };
    const steps = [step({ everyone: "untracked", left: [DAVE] })];
    expect(announcedChanges(steps, effects)).toEqual({ changed: [ALICE, BOB], left: [CAROL, DAVE] });
  });

  it("are undefined if no user is named", () => {
    expect(announcedChanges([step({ next: "s1" })], nothing)).toBeUndefined();
    expect(announcedChanges([], { invalidated: [BOB], left: [], usersChanged: true })).toBeUndefined();
  });
});

describe("steps of another tab as a response", () => {
  it("lead from the first to the last token, with the users of all", () => {
    expect(toResponse([changing("s0", "s1", BOB), leaving("s1", "s2", CAROL)])).toEqual({
      since: "s0",
      next_batch: "s2",
      device_lists: { changed: [BOB], left: [CAROL] },
    });
  });

  it("have no since if it is not known, and no lists if they name no user", () => {
    expect(toResponse([step({ next: "s1" })])).toEqual({ next_batch: "s1" });
  });

  it("are no response if they lead to no token", () => {
    expect(toResponse([])).toBeUndefined();
    expect(toResponse([step({ changed: [BOB] })])).toBeUndefined();
  });
});

it("the steps among commits are those of the stream, not of the application", () => {
  expect(stepsIn(commits(1, track(BOB), changing("s0", "s1", BOB)))).toEqual([changing("s0", "s1", BOB)]);
});
