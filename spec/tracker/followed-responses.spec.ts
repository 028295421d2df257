import { expect, it } from "vitest";
import { FollowedResponses } from "../../src/tracker/followed-responses.js";
import { changing, leaving, step } from "../store/steps.js";
import { BOB, CAROL, DAVE } from "../support/users.js";

const part = step({ since: "s1", next: "s1", changed: [BOB], isPartial: true });
const end = leaving("s1", "s2", CAROL);
const whole = { since: "s1", next_batch: "s2", device_lists: { changed: [BOB], left: [CAROL] } };

it("each step of another tab is a response", () => {
  const followed = new FollowedResponses();
  const responses = followed.follow([changing("s1", "s2", BOB), changing("s2", "s3", CAROL)], false);
  expect(responses.map(({ next_batch }) => next_batch)).toEqual(["s2", "s3"]);
});

it("steps that were missed are one response", () => {
  const followed = new FollowedResponses();
  const responses = followed.follow([changing("s1", "s2", BOB), changing("s2", "s3", CAROL)], true);
  expect(responses).toEqual([{ since: "s1", next_batch: "s3", device_lists: { changed: [BOB, CAROL], left: [] } }]);
});

it.each([false, true])("a response in parts is one, however they are followed (missed: %s)", (isSummary) => {
  expect(new FollowedResponses().follow([part, end], isSummary)).toEqual([whole]);
  const followed = new FollowedResponses();
  expect(followed.follow([part], isSummary)).toEqual([]);
  expect(followed.follow([], isSummary)).toEqual([]);
  expect(followed.follow([end], isSummary)).toEqual([whole]);
});

it("a part at the end of what was missed waits for the rest", () => {
  const followed = new FollowedResponses();
  const before = followed.follow([changing("s0", "s1", DAVE), part], true);
  expect(before.map(({ next_batch }) => next_batch)).toEqual(["s1"]);
  expect(followed.follow([end], false)).toEqual([whole]);
});

it("what a tab left unfinished is emitted before the step of the tab that goes on elsewhere", () => {
  const followed = new FollowedResponses();
  followed.follow([part], false);
  expect(followed.follow([changing("s5", "s6", DAVE)], false).map(({ next_batch }) => next_batch)).toEqual([
    "s1",
    "s6",
  ]);
  followed.follow([part], false);
  expect(followed.cut()).toEqual([{ since: "s1", next_batch: "s1", device_lists: { changed: [BOB], left: [] } }]);
  expect(followed.cut()).toEqual([]);
});

it("steps that lead to no token are no response", () => {
  expect(new FollowedResponses().follow([step({ everyone: "outdated" })], false)).toEqual([]);
});
