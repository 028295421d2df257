import { STORE_FORMAT } from "../../src/store/records.js";

/** Records that no version would have saved under any of our keys, by name. */
export const GARBAGE = new Map<string, unknown>([
  ["null", null],
  ["a negative number", -1],
  ["NaN", Number.NaN],
  ["a string", "garbage"],
  ["an array of numbers", [1, 2]],
  ["an empty object", {}],
  [
    "wrong types",
    { userId: 1, format: "2", lifetime: null, head: "1", token: 7, type: "commits", by: 1, commits: {}, saved: "none" },
  ],
  [
    "numbers out of range",
    {
      userId: "@alice:example.org",
      head: 2 ** 60,
      position: Infinity,
      snapshot: { position: -1 },
      saved: { revision: 2 ** 60 },
    },
  ],
  [
    "half a record",
    {
      userId: "@alice:example.org",
      format: STORE_FORMAT,
      head: 1,
      position: 1,
      snapshot: {},
      type: "commits",
      by: "tab",
      commits: [{ number: 1 }],
      saved: { revision: 1, list: { deviceKeys: new Map() } },
      pins: 1,
    },
  ],
  ["a date", new Date(0)],
  ["a blob", new Blob(["garbage"])],
]);

export const SHAPES = [...GARBAGE.keys()];
