import { describe, expect, it } from "vitest";
import { OwnIdentityWatch } from "../../src/lists/own-identity-watch.js";
import type { TrackerProblem } from "../../src/model/problems.js";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";

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
  it("is not reported while it is unchanged", () => {
    expect(reportsOf("first", "first")).toEqual([]);
  });

  it("is reported when it is missing, once until it is back", () => {
    const removed = { type: "own-identity-removed", pinnedMasterKey: "first" };
    expect(reportsOf(undefined, undefined)).toMatchObject([removed]);
    expect(reportsOf(undefined, "first", undefined)).toMatchObject([removed, removed]);
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

describe("our own devices", () => {
  const devices = (list: Partial<DeviceList>) => ({ ...emptyList(0), ...list });
  const status = (crossSigned: boolean) => ({ signedByItself: true, crossSigned, dehydrated: false });
  const looking = (...lists: readonly Partial<DeviceList>[]) => {
    const problems: TrackerProblem[] = [];
    const watch = new OwnIdentityWatch((problem) => problems.push(problem));
    for (const list of lists) watch.look(devices(list));
    return problems.map((problem) => [problem.type, "deviceIds" in problem && problem.deviceIds]);
  };

  it("are reported under other keys, each once until it has the old ones again", () => {
    const changed = (...ids: readonly string[]) => ({
      rejected: new Map(ids.map((id) => [id, { code: "key-changed" as const, detail: "x" }])),
    });
    expect(looking(changed("A"), changed("A"), changed("A", "B"), changed("B"), changed("A"))).toEqual([
      ["own-device-changed", ["A"]],
      ["own-device-changed", ["B"]],
      ["own-device-changed", ["A"]],
    ]);
  });

  it("are reported if our confirmed identity has not signed them", () => {
    const identity = { masterKey: "m", pinnedMasterKey: "m", signedBy: [] };
    const deviceStatus = new Map([
      ["OLD", status(true)],
      ["NEW", status(false)],
    ]);
    expect(looking({ identity, deviceStatus })).toEqual([]);
    const confirmed = { ...identity, confirmed: true as const };
    expect(looking({ identity: confirmed, deviceStatus }, { identity: confirmed, deviceStatus })).toEqual([
      ["own-device-unsigned", ["NEW"]],
    ]);
  });
});
