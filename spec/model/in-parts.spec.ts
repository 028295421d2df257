import { expect, it } from "vitest";
import { inPartsOf } from "../../src/model/in-parts.js";

it.each<[string, readonly number[], readonly (readonly number[])[]]>([
  ["nothing", [], []],
  ["less than one", [1], [[1]]],
  [
    "a multiple",
    [1, 2, 3, 4],
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ["more than that", [1, 2, 3], [[1, 2], [3]]],
])("items are split into parts of two: %s", (_, items, parts) => {
  expect(inPartsOf(2, items)).toEqual(parts);
});
