import { describe, expect, it } from "vitest";
import { MAX_USERS_AT_ONCE } from "../../src/model/batch-sizes.js";
import { splitLists, splitStep } from "../../src/sync/long-lists.js";
import { ALICE } from "../support/users.js";
import { parsePart } from "../../src/sync/parse-step.js";

const crowd = (count: number, name = "user") => Array.from({ length: count }, (_, i) => `@${name}${i}:a.example`);

describe("lists of a response", () => {
  it.each([
    ["short ones", { changed: crowd(MAX_USERS_AT_ONCE - 1), left: crowd(1) }],
    ["none", undefined],
    ["what is no lists", "?"],
    ["what is no arrays", { changed: 1, left: {} }],
  ])("are left alone: %s", (_, lists) => {
    expect(splitLists(lists)).toEqual([lists]);
  });

  it("are split if they are long together, `left` last", () => {
    const changed = crowd(MAX_USERS_AT_ONCE + 1);
    const left = crowd(2, "left");
    expect(splitLists({ changed, left })).toEqual([
      { changed: changed.slice(0, -1) },
      { changed: changed.slice(-1) },
      { left },
    ]);
  });

  it("keep what is no array, so that it is refused", () => {
    const parts = splitLists({ changed: "?", left: crowd(MAX_USERS_AT_ONCE + 1) });
    expect(parts[0]).toEqual({ changed: "?" });
    expect(parsePart(parts[0], ALICE).refusal).toMatchObject({ path: "device_lists.changed" });
  });
});

describe("a step", () => {
  it("is left alone if it is short", () => {
    const step = { type: "step", since: "s1", next: "s2", changed: crowd(2), left: [] } as const;
    expect(splitStep(step)).toEqual([step]);
  });

  it("is split so that the last part moves the token", () => {
    const changed = crowd(MAX_USERS_AT_ONCE + 1);
    const left = crowd(1, "left");
    const part = { type: "step", since: "s1", next: "s1", changed: [], left: [], isPartial: true };
    expect(splitStep({ type: "step", since: "s1", next: "s2", changed, left })).toEqual([
      { ...part, changed: changed.slice(0, -1) },
      { ...part, changed: changed.slice(-1) },
      { ...part, left },
      { ...part, next: "s2", isPartial: undefined },
    ]);
  });
});
