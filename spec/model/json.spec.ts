import { expect, it } from "vitest";
import { isObject } from "../../src/model/json.js";

it("isObject accepts objects, and no arrays or null", () => {
  expect([{}, Object.create(null), { a: 1 }].map(isObject)).toEqual([true, true, true]);
  expect([[], null, undefined, "{}", 5, true].map(isObject)).toEqual([false, false, false, false, false, false]);
});
