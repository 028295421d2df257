import { expect, it } from "vitest";
import { isEmptyStep } from "../../src/store/change.js";
import { BOB } from "../support/users.js";
import { step } from "./steps.js";

it.each([
  ["names no user and repeats its token", step({ since: "s1", next: "s1" }), true],
  ["names no user and leads to no token", step({ since: "s1" }), true],
  ["moves the token", step({ since: "s1", next: "s2" }), false],
  ["is the first one", step({ next: "s1" }), false],
  ["names a user who changed", step({ since: "s1", next: "s1", changed: [BOB] }), false],
  ["names a user who left", step({ since: "s1", next: "s1", left: [BOB] }), false],
  ["may hide changes", step({ everyone: "outdated" }), false],
])("a step that %s: is it empty?", (_, given, isEmpty) => {
  expect(isEmptyStep(given)).toBe(isEmpty);
});
