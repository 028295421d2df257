import { describe, expect, it } from "vitest";
import { InvalidResponseError } from "../../src/model/errors.js";
import { parseStep } from "../../src/sync/step.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const parse = (lists: unknown, rest: Record<string, unknown> = {}) =>
  parseStep({ next_batch: "s1", device_lists: lists, ...rest }, ALICE);

describe("parseStep", () => {
  it("reads who changed and who left", () => {
    expect(parse({ changed: [BOB], left: [CAROL] })).toMatchObject({
      changed: [BOB],
      left: [CAROL],
      everyone: false,
      refusedIds: [],
    });
  });

  it("hands the very response on", () => {
    const response = { next_batch: "s1", rooms: {} };
    expect(parseStep(response, ALICE).response).toBe(response);
  });

  it.each([
    ["absent", undefined],
    ["null", null],
    ["empty", {}],
    ["of nulls", { changed: null, left: null }],
  ])("takes lists that are %s for nobody", (_, lists) => {
    expect(parse(lists)).toMatchObject({ changed: [], left: [], everyone: false });
    expect(parse(lists)).not.toHaveProperty("refusal");
  });

  it("counts a user in both lists as left", () => {
    expect(parse({ changed: [BOB, CAROL], left: [BOB] })).toMatchObject({ changed: [CAROL], left: [BOB] });
  });

  it("counts a user who is listed twice once", () => {
    expect(parse({ changed: [BOB, BOB], left: [CAROL, CAROL] })).toMatchObject({ changed: [BOB], left: [CAROL] });
  });

  it("never has our own user leave: they count as changed", () => {
    expect(parse({ left: [ALICE, BOB] })).toMatchObject({ changed: [ALICE], left: [BOB] });
    expect(parse({ changed: [ALICE], left: [ALICE] })).toMatchObject({ changed: [ALICE], left: [] });
  });

  it("leaves out strings that are no user IDs, and names them", () => {
    expect(parse({ changed: ["nobody", BOB], left: ["@x"] })).toMatchObject({
      changed: [BOB],
      left: [],
      everyone: false,
      refusedIds: ["nobody", "@x"],
    });
  });

  it.each([
    ["the lists are an array", [], "device_lists"],
    ["the lists are text", "?", "device_lists"],
    ["changed is an object", { changed: {} }, "device_lists.changed"],
    ["left is a string", { left: BOB }, "device_lists.left"],
    ["a user is a number", { changed: [5, BOB] }, "device_lists.changed"],
    ["a user is null", { left: [null] }, "device_lists.left"],
  ])("counts everyone as changed where %s", (_, lists, path) => {
    const step = parse(lists);
    expect(step.everyone).toBe(true);
    expect(step.refusal).toBeInstanceOf(InvalidResponseError);
    expect(step.refusal).toMatchObject({ endpoint: "/sync", path });
    expect(step.response?.next_batch).toBe("s1");
  });

  it("uses what can be understood beside what cannot", () => {
    expect(parse({ changed: [5, BOB], left: [CAROL] })).toMatchObject({
      changed: [BOB],
      left: [CAROL],
      everyone: true,
    });
  });

  it.each([
    ["null", null, ""],
    ["text", "<html>", ""],
    ["an array", [], ""],
    ["without a token", {}, "next_batch"],
    ["with a number for a token", { next_batch: 5 }, "next_batch"],
    ["with an empty token", { next_batch: "" }, "next_batch"],
  ])("takes %s for no response: everyone counts as changed, and no token moves", (_, response, path) => {
    const step = parseStep(response, ALICE);
    expect(step).toMatchObject({ response: undefined, since: undefined, changed: [], left: [], everyone: true });
    expect(step.refusal).toMatchObject({ path });
  });

  it.each([
    ["a token", "s0", "s0"],
    ["null, for an initial sync", null, null],
    ["nothing, where the caller does not know", undefined, undefined],
  ])("reads since: %s", (_, since, expected) => {
    expect(parse({}, { since })).toMatchObject({ since: expected, everyone: false });
  });

  it("counts everyone as changed where since is neither a token nor null", () => {
    expect(parse({ changed: [BOB] }, { since: 5 })).toMatchObject({
      since: undefined,
      changed: [BOB],
      everyone: true,
      refusal: { path: "since" },
    });
  });

  it("takes names of JavaScript for names", () => {
    const odd = "@__proto__:example.org";
    expect(parse({ changed: [odd, "constructor"] })).toMatchObject({ changed: [odd], refusedIds: ["constructor"] });
  });
});
