import { describe, expect, it } from "vitest";
import { fromTable, toTable } from "../../src/encoding/table.js";

const PHONE = { algorithms: ["m.olm", "m.megolm"], user_id: "@alice:example.org", device_id: "PHONE" };
const LAPTOP = { ...PHONE, device_id: "LAPTOP" };

describe("a table", () => {
  it("has once what is the same in all objects", () => {
    const table = toTable([PHONE, LAPTOP]);
    expect(table).toEqual([
      [["algorithms", PHONE.algorithms], ["user_id", PHONE.user_id], "device_id"],
      ["PHONE"],
      ["LAPTOP"],
    ]);
  });

  it("gives the objects back, with their properties in the order of the first", () => {
    const swapped = Object.fromEntries(Object.entries(LAPTOP).toReversed());
    const objects = fromTable(toTable([PHONE, swapped]) ?? [[]]);
    expect(objects.map((one) => JSON.stringify(one))).toEqual([PHONE, LAPTOP].map((one) => JSON.stringify(one)));
    expect(objects[0]?.algorithms).toBe(objects[1]?.algorithms);
  });

  it.each<[string, unknown, unknown]>([
    ["numbers", 1, 2],
    ["zeros", 0, -0],
    ["lists of other length", ["a"], ["a", "b"]],
    ["lists with another text", ["a"], ["b"]],
    ["lists of lists", [["a"]], [["a"]]],
    ["objects", { a: 1 }, { a: 1 }],
    ["maps", new Map(), new Map()],
    ["a list and none", ["a"], "a"],
  ])("has %s in each row", (_, one, other) => {
    expect(toTable([{ one }, { one: other }])).toEqual([["one"], [one], [other]]);
  });

  it.each<[string, unknown[]]>([
    ["nothing", []],
    ["one object", [PHONE]],
    ["an object with another name", [{ a: 1 }, { b: 1 }]],
    ["an object with one name more", [{ a: 1 }, { a: 1, b: 1 }]],
    ["a name that would set a prototype", [JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')]],
    ["a list in between", [{ a: 1 }, [1]]],
    ["a map in between", [{ a: 1 }, new Map()]],
    ["nothing in between", [{ a: 1 }, null]],
    ["an instance of a class", [new Date(), new Date()]],
  ])("is not made of %s", (_, objects) => {
    expect(toTable(objects)).toBeUndefined();
  });
});
