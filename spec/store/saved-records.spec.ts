import { describe, expect, it } from "vitest";
import { listKey, stateKey } from "../../src/store/records.js";
import { RecordsMissing, SavedRecords } from "../../src/store/saved-records.js";
import { BOB, CAROL } from "../support/users.js";

const open = () => new SavedRecords([stateKey(BOB), stateKey(CAROL), listKey(BOB)], ["bob", undefined, "list"]);

describe("SavedRecords", () => {
  it("give what was read, and nothing that was not asked for", () => {
    const records = open();
    expect([records.get(stateKey(BOB)), records.get(stateKey(CAROL)), records.get(listKey(BOB))]).toEqual([
      "bob",
      undefined,
      "list",
    ]);
    expect(() => records.get(listKey(CAROL))).toThrow(CAROL);
  });

  it("give what was written in the same transaction", () => {
    const records = open();
    records.set(stateKey(BOB), "new");
    expect(records.get(stateKey(BOB))).toBe("new");
  });

  it("write only what was set, each record once, as it was left", () => {
    const records = open();
    records.set(stateKey(CAROL), "first");
    records.set(stateKey(CAROL), "second");
    expect(records.update("result")).toEqual({ puts: [[stateKey(CAROL), "second"]], deletes: [], result: "result" });
  });

  it("delete what was set to undefined, unless it was set again", () => {
    const records = open();
    records.set(stateKey(BOB), undefined);
    records.set(listKey(BOB), undefined);
    records.set(listKey(BOB), "back");
    expect(records.update(undefined)).toEqual({
      puts: [[listKey(BOB), "back"]],
      deletes: [stateKey(BOB)],
      result: undefined,
    });
  });

  it("write nothing where nothing was set", () => {
    expect(open().update(5)).toEqual({ puts: [], deletes: [], result: 5 });
  });

  it("hold names of JavaScript as names", () => {
    const records = new SavedRecords(
      [
        ["state", "__proto__"],
        ["constructor", "__proto__"],
      ],
      [1, 2],
    );
    expect([records.get(["state", "__proto__"]), records.get(["constructor", "__proto__"])]).toEqual([1, 2]);
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

    it("is content with what was asked for, there or not, and with what was written since", () => {
      const records = open();
      records.set(["claims", "k"], "new");
      expect(missing(records, stateKey(BOB), stateKey(CAROL), ["claims", "k"])).toBeUndefined();
      expect(missing(records)).toBeUndefined();
    });

    it("names all records that were not asked for, and only those", () => {
      expect(missing(open(), stateKey(BOB), listKey(CAROL), ["claims", "k"])).toEqual([
        listKey(CAROL),
        ["claims", "k"],
      ]);
    });
  });
});
