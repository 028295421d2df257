import { describe, expect, it } from "vitest";
import { initialUsers } from "../../src/store/tracked-users.js";
import { parseStep } from "../../src/sync/parse-step.js";
import { adoptionProblems, loadProblems, stepProblems, trackProblems } from "../../src/tracker/account-problems.js";
import { ALICE, BOB } from "../support/users.js";

describe("what is reported of a saved state", () => {
  it("is nothing if it is sound", () => {
    expect(loadProblems({ damaged: new Map() })).toEqual([]);
  });

  it.each(["account", "log", "snapshot"])(
    "says that users became untracked if a record of kind %s is damaged",
    (kind) => {
      const [problem] = loadProblems({ damaged: new Map([[kind, ["1", "2"]]]) });
      expect(problem).toMatchObject({ type: "records-damaged", kind, ids: ["1", "2"] });
      expect(problem?.message).toMatch(/2 saved record.*track\(\)/u);
    },
  );

  it("does not say so of other records", () => {
    expect(loadProblems({ damaged: new Map([["list", ["1"]]]) })[0]?.message).not.toContain("track()");
  });

  it("is that a store of an older version was replaced", () => {
    expect(loadProblems({ damaged: new Map(), replaced: 1 })).toMatchObject([{ type: "store-replaced", format: 1 }]);
  });
});

describe("what is reported of a store that memory stood in for", () => {
  const saved = { ...initialUsers(ALICE), head: 5, position: 5, token: "s5" };

  it("is nothing if all users are tracked that were", () => {
    expect(adoptionProblems(saved, saved.users, { ...initialUsers(ALICE), token: "t1" })).toEqual([]);
  });

  it.each([
    ["s5", '"s5"'],
    [undefined, "no token"],
  ])("is a gap from %s if users are lost, and what to do", (from, stand) => {
    const users = new Map([...saved.users, [BOB, { revision: { number: 1 }, outdated: true, hasList: true }]]);
    const [problem] = adoptionProblems({ ...saved, users, token: from }, saved.users, {
      ...initialUsers(ALICE),
      token: "t1",
    });
    expect(problem).toMatchObject({ type: "gap", from, to: "t1", caughtUp: false });
    expect(problem?.message).toContain(`between ${stand} and "t1"`);
    expect(problem?.message).toContain("track()");
  });
});

describe("what is reported of users whom track() leaves untracked", () => {
  const saved = { ...initialUsers(ALICE), head: 5, position: 5, token: "s5" };
  const before = new Map([...saved.users, [BOB, { revision: { number: 1 }, outdated: true, hasList: false }]]);

  it("is how many, and what to do, once the store can be opened", () => {
    const [problem] = adoptionProblems(saved, before, { ...initialUsers(ALICE), token: "s5" });
    expect(problem).toMatchObject({ type: "gap", from: undefined, to: "s5", caughtUp: false });
    expect(problem?.message).toMatch(/1 user\(s\) may have left.*call track\(\) again/u);
  });

  it("is nothing if there are none", () => {
    expect(trackProblems([], "s5")).toEqual([]);
  });
});

describe("what is reported of a sync response", () => {
  const problemsOf = (response: unknown) => stepProblems(parseStep(response, ALICE)).map(({ type }) => type);

  it("is nothing if it was understood", () => {
    expect(problemsOf({ next_batch: "s1", device_lists: { changed: [BOB] } })).toEqual([]);
  });

  it("is why it may hide changes, and which strings are not user IDs", () => {
    expect(problemsOf("<html>")).toEqual(["sync-response-refused"]);
    expect(problemsOf({ next_batch: "s1", device_lists: { changed: ["nobody"], left: 5 } })).toEqual([
      "sync-response-refused",
      "user-ids-refused",
    ]);
  });
});
