import { describe, expect, it } from "vitest";
import type { TrackerProblem } from "../../src/model/problems.js";
import { NO_EXTENSIONS } from "../../src/store/extension-records.js";
import { Extensions } from "../../src/tracker/extensions.js";
import { changing, commits, step, track } from "../store/steps.js";
import { Notebook, saying } from "../support/notebook.js";
import { ALICE, BOB, CAROL, DAVE } from "../support/users.js";

/** The extensions of Alice's tracker, which are notebooks. */
function extensionsOf(...notebooks: readonly Notebook[]) {
  const problems: TrackerProblem[] = [];
  return { problems, extensions: new Extensions(notebooks, ALICE, (problem) => problems.push(problem)) };
}

const twoNotebooks = () => {
  const [one, other] = [new Notebook("one"), new Notebook("other")];
  return { one, other, ...extensionsOf(one, other) };
};

describe("what extensions read in a response", () => {
  it("is the events of each, by its name", () => {
    const { extensions } = twoNotebooks();
    const events = [{ word: "a" }];
    expect(extensions.read(saying("s0", "s1", ["a"]))).toEqual({ events: { one: events, other: events } });
  });

  it("leaves out one that fails, which then misses the step", () => {
    const { extensions, one, other, problems } = twoNotebooks();
    one.broken.add("read");
    const { events } = extensions.read(saying("s0", "s1", ["a"]));
    expect(Object.keys(events ?? {})).toEqual(["other"]);
    extensions.extend({ ...changing("s0", "s1"), events });
    expect([one.calls, other.calls]).toEqual([["missed", "missed"], ["apply a"]]);
    expect(problems).toMatchObject([{ type: "extension-failed", name: "one" }]);
  });

  it("is nothing without a response, and without extensions", () => {
    expect(twoNotebooks().extensions.read(undefined)).toEqual({});
    expect(extensionsOf().extensions.read(saying("s0", "s1", ["a"]))).toEqual({});
  });
});

describe("a step that is extended", () => {
  const extended = (events: Parameters<typeof saying>[2], given = changing("s0", "s1")) => {
    const { extensions } = extensionsOf(new Notebook());
    return extensions.extend({ ...given, ...extensions.read(saying("s0", "s1", events)) });
  };

  it("names the users that events name; the last mention of a user counts", () => {
    const events = [
      { word: "a", changed: [BOB], left: [CAROL] },
      { word: "b", changed: [CAROL], left: [DAVE] },
    ];
    expect(extended(events)).toMatchObject({ changed: [BOB, CAROL], left: [DAVE] });
  });

  it("names users who leave according to either the server or an event as left", () => {
    const given = step({ since: "s0", next: "s1", changed: [BOB, DAVE], left: [CAROL] });
    expect(extended([{ word: "a", changed: [CAROL], left: [BOB] }], given)).toMatchObject({
      changed: [DAVE],
      left: [BOB, CAROL],
    });
  });

  it("is the same if no event names a user", () => {
    expect(extended(["a"])).toMatchObject(changing("s0", "s1"));
  });

  it("without events is missed if it moves the token", () => {
    const { extensions, one } = twoNotebooks();
    for (const given of [changing("s0", "s1", BOB), changing("s1", "s1", BOB), step({ everyone: "outdated" })])
      expect(extensions.extend(given)).toBe(given);
    expect(one.calls).toEqual(["missed"]);
  });
});

it("extensions follow steps, and no calls", () => {
  const { extensions, one } = twoNotebooks();
  const events = { one: [{ word: "a" }] };
  extensions.follow(commits(1, track(BOB), changing("s0", "s1"), step({ since: "s1", next: "s2", events })));
  expect(one.calls).toEqual(["missed", "apply a"]);
});

describe("extensions are restored", () => {
  const changes = [step({ since: "s0", next: "s1", events: { one: [{ word: "a" }] } })];

  it("with their records, and with the steps since", () => {
    const { extensions, one, other } = twoNotebooks();
    extensions.restore({ records: new Map([["one", ["x", "y"]]]), changes, isFromStart: false }, "s9");
    expect(one.calls).toEqual(["restore x y", "apply a"]);
    expect(other.calls).toEqual(["restore lost", "missed"]);
  });

  it("with nothing in a new store", () => {
    const { extensions, one } = twoNotebooks();
    extensions.restore(NO_EXTENSIONS, undefined);
    expect(one.calls).toEqual(["restore"]);
  });
});

it("what extensions amount to leaves out one that fails", () => {
  const { extensions, one, other, problems } = twoNotebooks();
  for (const { words } of [one, other]) words.add("a");
  for (const notebook of [one, other]) notebook.wanted.push(BOB);
  expect(extensions.summary()).toEqual({ one: [{ word: "a" }], other: [{ word: "a" }] });
  for (const method of ["records", "summary", "trackedUsers"] as const) one.broken.add(method);
  expect(extensions.records()).toEqual(new Map([["other", ["a"]]]));
  expect(extensions.summary()).toEqual({ other: [{ word: "a" }] });
  expect(extensions.trackedUsers()).toEqual(new Set([BOB]));
  expect(problems).toHaveLength(3);
});

it("there is no summary if no extension knows anything", () => {
  expect(twoNotebooks().extensions.summary()).toBeUndefined();
});
