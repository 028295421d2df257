import { describe, expect, it } from "vitest";
import { OwnIdentityWatch } from "../../src/lists/own-identity-watch.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import { emptyList } from "../../src/trust/device-list.js";

/** What is reported of our own identity if our list has these master keys, one after the other; "first" is pinned. */
function reportsOf(...masterKeys: readonly (string | undefined)[]): readonly TrackerProblem[] {
  const problems: TrackerProblem[] = [];
  const watch = new OwnIdentityWatch((problem) => problems.push(problem));
  for (const masterKey of masterKeys)
    watch.look({
      ...emptyList(0),
      identity: { pinnedMasterKey: "first", signedBy: [], ...(masterKey !== undefined && { masterKey }) },
    });
  return problems;
}

const keysOf = (problems: readonly TrackerProblem[]) =>
  problems.map((problem) => problem.type === "own-identity-changed" && problem.masterKey);

describe("our own identity", () => {
  it("is not reported while it is unchanged or missing", () => {
    expect(reportsOf("first", undefined, "first")).toEqual([]);
  });

  it("is reported when it changes, once for each master key", () => {
    const problems = reportsOf("first", "second", "second", "third");
    expect(problems).toMatchObject([
      { type: "own-identity-changed", masterKey: "second", pinnedMasterKey: "first" },
      { type: "own-identity-changed", masterKey: "third", pinnedMasterKey: "first" },
    ]);
  });

  it("is reported again if the pinned one was back in between", () => {
    expect(keysOf(reportsOf("second", "first", "second"))).toEqual(["second", "second"]);
  });
});
