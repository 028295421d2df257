import { expect, it } from "vitest";
import type { TrackerProblem } from "../../src/model/problems.js";
import { MAX_REPORTED_USERS, RefusedAnswers } from "../../src/query/refused-answers.js";
import { BOB, CAROL, crowd } from "../support/users.js";

const master = { path: "master_keys", problem: "expected an object" };
const selfSigning = { path: "self_signing_keys", problem: "no signature" };

function refusedAnswers() {
  const problems: TrackerProblem[] = [];
  return { refused: new RefusedAnswers((problem) => problems.push(problem)), problems };
}

it("reports one problem for each user, with all of their parts", () => {
  const { refused, problems } = refusedAnswers();
  refused.add(BOB, [master, selfSigning]);
  refused.add(CAROL, []);
  refused.report();
  expect(problems).toEqual([
    {
      type: "answer-refused",
      userId: BOB,
      path: "master_keys",
      message: `/keys/query returned something unusable for ${BOB} in master_keys, self_signing_keys, which was left out: expected an object; no signature`,
    },
  ]);
});

it("reports up to 20 users one by one", () => {
  const { refused, problems } = refusedAnswers();
  for (const userId of crowd(MAX_REPORTED_USERS)) refused.add(userId, [master, selfSigning]);
  refused.report();
  expect(problems.map(({ type }) => type)).toEqual(Array<string>(20).fill("answer-refused"));
});

it("reports more users in one summary", () => {
  const { refused, problems } = refusedAnswers();
  const users = crowd(250);
  for (const userId of users) refused.add(userId, [master, selfSigning]);
  refused.report();
  expect(problems).toEqual([
    {
      type: "answers-refused",
      userIds: users.slice(0, 20),
      count: 250,
      message: "/keys/query returned something unusable for 250 users of one request, which was left out",
    },
  ]);
});

it("reports nothing twice", () => {
  const { refused, problems } = refusedAnswers();
  refused.add(BOB, [master]);
  refused.report();
  refused.report();
  expect(problems).toHaveLength(1);
});
