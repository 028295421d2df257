import { describe, expect, it } from "vitest";
import { InvalidResponseError } from "../../src/model/errors.js";
import { parseChanges, parseStep, toChange } from "../../src/sync/parse-step.js";
import { ALICE, BOB, CAROL } from "../support/users.js";

const parse = (lists: unknown, rest: Record<string, unknown> = {}) =>
  parseStep({ next_batch: "s1", device_lists: lists, ...rest }, ALICE);

describe("parsing a sync response", () => {
  it("reads who changed, who left and the token", () => {
    const step = parse({ changed: [BOB], left: [CAROL] });
    expect(step).toMatchObject({ next: "s1", changed: [BOB], left: [CAROL], refusedIds: [] });
    expect(step).not.toHaveProperty("refusal");
  });

  it("keeps the response as it is", () => {
    const response = { next_batch: "s1", rooms: {} };
    expect(parseStep(response, ALICE).response).toBe(response);
  });

  it.each([
    ["absent", undefined],
    ["null", null],
    ["empty", {}],
    ["null each", { changed: null, left: null }],
  ])("finds no user in lists that are %s", (_, lists) => {
    expect(parse(lists)).toMatchObject({ changed: [], left: [] });
    expect(parse(lists)).not.toHaveProperty("refusal");
  });

  it("counts a user in both lists as left", () => {
    expect(parse({ changed: [BOB, CAROL], left: [BOB] })).toMatchObject({ changed: [CAROL], left: [BOB] });
  });

  it("counts a user who is listed twice once", () => {
    expect(parse({ changed: [BOB, BOB], left: [CAROL, CAROL] })).toMatchObject({ changed: [BOB], left: [CAROL] });
  });

  it("counts our own user as changed when they are listed in left", () => {
    expect(parse({ left: [ALICE, BOB] })).toMatchObject({ changed: [ALICE], left: [BOB] });
    expect(parse({ changed: [ALICE], left: [ALICE] })).toMatchObject({ changed: [ALICE], left: [] });
  });

  it("leaves out strings that are not user IDs, and lists them", () => {
    const step = parse({ changed: ["nobody", BOB], left: ["@x"] });
    expect(step).toMatchObject({ changed: [BOB], left: [], refusedIds: ["nobody", "@x"] });
    expect(step).not.toHaveProperty("refusal");
  });

  it.each([
    ["the lists are an array", [], "device_lists"],
    ["the lists are text", "?", "device_lists"],
    ["changed is an object", { changed: {} }, "device_lists.changed"],
    ["left is a string", { left: BOB }, "device_lists.left"],
    ["a user is a number", { changed: [5, BOB] }, "device_lists.changed"],
    ["a user is null", { left: [null] }, "device_lists.left"],
  ])("refuses lists that may hide changes: %s", (_, lists, path) => {
    const step = parse(lists);
    expect(step.refusal).toBeInstanceOf(InvalidResponseError);
    expect(step.refusal).toMatchObject({ endpoint: "/sync", path });
    expect(step.response?.next_batch).toBe("s1");
  });

  it("uses what can be understood beside what cannot", () => {
    const step = parse({ changed: [5, BOB], left: [CAROL] });
    expect(step).toMatchObject({ changed: [BOB], left: [CAROL], refusal: { path: "device_lists.changed" } });
  });

  it.each([
    ["null", null, ""],
    ["text", "<html>", ""],
    ["an array", [], ""],
    ["without a token", {}, "next_batch"],
    ["with a number as token", { next_batch: 5 }, "next_batch"],
    ["with an empty token", { next_batch: "" }, "next_batch"],
  ])("does not take for a response what is %s: no token moves", (_, response, path) => {
    const step = parseStep(response, ALICE);
    expect(step).toMatchObject({ response: undefined, since: undefined, next: undefined, changed: [], left: [] });
    expect(step.refusal).toMatchObject({ path });
  });

  it("does not take for a response what throws when it is read", () => {
    const thrower = {
      get next_batch(): never {
        throw new Error("no JSON");
      },
    };
    expect(parseStep(thrower, ALICE)).toMatchObject({
      response: undefined,
      refusal: { name: "InvalidResponseError", cause: { message: "no JSON" } },
    });
  });

  it.each([
    ["a token", "s0"],
    ["null, for an initial sync", null],
    ["nothing, if the caller does not know", undefined],
  ])("reads since: %s", (_, since) => {
    expect(parse({}, { since }).since).toBe(since);
  });

  it("refuses a since that is neither a token nor null", () => {
    const step = parse({ changed: [BOB] }, { since: 5 });
    expect(step).toMatchObject({ since: undefined, changed: [BOB], refusal: { path: "since" } });
  });

  it("treats __proto__ and constructor as ordinary names", () => {
    const odd = "@__proto__:example.org";
    expect(parse({ changed: [odd, "constructor"] })).toMatchObject({ changed: [odd], refusedIds: ["constructor"] });
  });
});

describe("the change that a step stands for", () => {
  it("names its users and tokens", () => {
    expect(toChange(parse({ changed: [BOB], left: [CAROL] }), "s0")).toEqual({
      type: "step",
      since: "s0",
      next: "s1",
      changed: [BOB],
      left: [CAROL],
      everyone: undefined,
    });
  });

  it("outdates everyone if it may hide changes", () => {
    expect(toChange(parse("?"), "s0")).toMatchObject({ next: "s1", everyone: "outdated" });
    expect(toChange(parseStep("<html>", ALICE), "s0")).toMatchObject({ next: undefined, everyone: "outdated" });
  });
});

describe("parsing a response of /keys/changes", () => {
  it("reads who changed and who left", () => {
    expect(parseChanges({ changed: [BOB, ALICE, "nobody"], left: [CAROL, ALICE] }, ALICE)).toEqual({
      changed: [BOB, ALICE],
      left: [CAROL],
      refusedIds: ["nobody"],
    });
    expect(parseChanges({ changed: [] }, ALICE)).toEqual({ changed: [], left: [], refusedIds: [] });
  });

  it.each([
    [null, ""],
    ["<html>", ""],
    [[], ""],
    [{}, ""],
    [{ status: "login required" }, ""],
    [{ errcode: "M_UNKNOWN", changed: [] }, "errcode"],
    [{ changed: BOB }, "changed"],
    [{ left: [5] }, "left"],
  ])("throws for %j, which may hide changes", (response, path) => {
    expect(() => parseChanges(response, ALICE)).toThrow(
      expect.objectContaining({ name: "InvalidResponseError", endpoint: "/keys/changes", path }) as Error,
    );
  });
});
