import { describe, expect, it } from "vitest";
import { listKey, logKey } from "../../src/store/records.js";
import { RecordsMissing, SavedRecords } from "../../src/store/saved-records.js";
import { BOB, CAROL } from "../support/users.js";

const open = () => new SavedRecords([logKey(1), logKey(2), listKey(BOB)], ["bob", undefined, "list"]);

describe("SavedRecords", () => {
  it("returns what was read, and throws for what was not named", () => {
    const records = open();
    expect([records.get(logKey(1)), records.get(logKey(2)), records.get(listKey(BOB))]).toEqual([
      "bob",
      undefined,
      "list",
    ]);
    expect(() => records.get(listKey(CAROL))).toThrow(CAROL);
  });

  it("returns what was written in the same transaction", () => {
    const records = open();
    records.set(logKey(1), "new");
    expect(records.get(logKey(1))).toBe("new");
  });

  it("writes only what was set, each record once, as it was left", () => {
    const records = open();
    records.set(logKey(2), "first");
    records.set(logKey(2), "second");
    expect(records.update("result")).toEqual({ puts: [[logKey(2), "second"]], deletes: [], result: "result" });
  });

  it("deletes what was set to undefined, unless it was set again", () => {
    const records = open();
    records.set(logKey(1), undefined);
    records.set(listKey(BOB), undefined);
    records.set(listKey(BOB), "back");
    expect(records.update(undefined)).toEqual({
      puts: [[listKey(BOB), "back"]],
      deletes: [logKey(1)],
      result: undefined,
    });
  });

  it("writes nothing if nothing was set", () => {
    expect(open().update(5)).toEqual({ puts: [], deletes: [], result: 5 });
  });

  it("treats __proto__ and constructor as ordinary names", () => {
    const records = new SavedRecords(
      [
        ["log", "__proto__"],
        ["constructor", "__proto__"],
      ],
      [1, 2],
    );
    expect([records.get(["log", "__proto__"]), records.get(["constructor", "__proto__"])]).toEqual([1, 2]);
  });

  describe("need()", () => {
    const missing = (records: SavedRecords, ...keys: Parameters<SavedRecords["need"]>[0]) => {
      try {
        records.need(keys);
      } catch (error) {
        if (error instanceof RecordsMissing) return error.keys;
        throw error;
      }
      return undefined;
    };

    it("accepts named records, present or not, and written ones", () => {
      const records = open();
      records.set(["index", "k"], "new");
      expect(missing(records, logKey(1), logKey(2), ["index", "k"])).toBeUndefined();
      expect(missing(records)).toBeUndefined();
    });

    it("throws with all records that were not named, and only those", () => {
      expect(missing(open(), logKey(1), listKey(CAROL), ["index", "k"])).toEqual([listKey(CAROL), ["index", "k"]]);
    });
  });
});
