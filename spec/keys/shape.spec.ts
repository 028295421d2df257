import { expect, it } from "vitest";
import { LIST_OF_TEXTS, OBJECT, quote, shapeProblem, SIGNATURES, TEXT, TEXTS_BY_NAME } from "../../src/keys/shape.js";

it.each<[string, unknown, string | undefined]>([
  ["an object that has all", { text: "", list: [], texts: {}, signatures: {}, more: 1 }, undefined],
  ["no object", [], "expected an object"],
  ["a text that is none", { text: 5 }, "text: expected a string"],
  ["a text that is inherited", Object.create({ text: "" }), "text: expected a string"],
  ["a list that is none", { text: "", list: {} }, "list: expected an array of strings"],
  ["a list of something else", { text: "", list: ["", 5] }, "list: expected an array of strings"],
  ["an array for texts", { text: "", list: [], texts: [] }, "texts: expected an object of strings"],
  [
    "a text called __proto__ that is none",
    { text: "", list: [], texts: JSON.parse('{"__proto__":5}') },
    "texts: expected an object of strings",
  ],
  [
    "signatures of a user that are none",
    { text: "", list: [], texts: {}, signatures: { "@bob:example.org": "x" } },
    "signatures: expected signatures by user and key",
  ],
  ["null for something optional", { text: "", list: [], texts: {}, any: null }, "any: expected an object"],
])("what is wrong with the shape of %s", (_, value, problem) => {
  const shape = [
    ["text", TEXT],
    ["list", LIST_OF_TEXTS],
    ["texts", TEXTS_BY_NAME],
    ["signatures", SIGNATURES, "optional"],
    ["any", OBJECT, "optional"],
  ] as const;
  expect(shapeProblem(shape, value)).toBe(problem);
});

it("quotes a long text in part", () => {
  expect(quote("x".repeat(100))).toBe(`"${"x".repeat(80)}…"`);
});
