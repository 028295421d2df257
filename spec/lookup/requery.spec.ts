import { describe, expect, it } from "vitest";
import { isDisconnected, isFinal, waitAfterFailure, waitForEcho } from "../../src/lookup/requery.js";

describe("the wait before an announced user is queried", () => {
  it("is none, then 1 s, doubling to 5 min, after three answers without a change", () => {
    const waits = Array.from({ length: 14 }, (_, unchanged) => waitForEcho(unchanged) / 1_000);
    expect(waits).toEqual([0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  it("stays 5 min, however many answers changed nothing", () => {
    expect(waitForEcho(100_000)).toBe(300_000);
  });
});

describe("the wait after a failure", () => {
  it("is 2 s, doubling to 5 min", () => {
    const waits = Array.from({ length: 10 }, (_, failures) => waitAfterFailure(failures, "refused") / 1_000);
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect(waitAfterFailure(100_000, "refused")).toBe(300_000);
  });

  it("is not shorter than the server asks for", () => {
    expect(waitAfterFailure(0, { retryAfter: 10_000 })).toBe(10_000);
    expect(waitAfterFailure(5, { retryAfter: 10_000 })).toBe(64_000);
    expect(waitAfterFailure(0, { retryAfter: 3_600_000 })).toBe(3_600_000);
    expect(waitAfterFailure(0, { retryAfter: "soon" })).toBe(2_000);
  });
});

describe("whether a failure is final", () => {
  it.each<[string, unknown, boolean]>([
    ["a refused token", { status: 401, errcode: "M_UNKNOWN_TOKEN" }, true],
    ["a missing token", { status: 401, errcode: "M_MISSING_TOKEN" }, true],
    ["a deactivated account", { status: 403, errcode: "M_USER_DEACTIVATED" }, true],
    ["a refused token without the status for it", { status: 500, errcode: "M_UNKNOWN_TOKEN" }, false],
    ["a rate limit", { status: 429, errcode: "M_LIMIT_EXCEEDED" }, false],
    ["a server error", { status: 502 }, false],
    ["no response", new Error("no network"), false],
    ["no error", undefined, false],
  ])("of %s", (_, error, final) => {
    expect(isFinal(error)).toBe(final);
  });
});

describe("whether the server was not reached", () => {
  it.each<[string, unknown, boolean]>([
    ["an error without a status", new Error("no network"), true],
    ["text", "no network", true],
    ["an error with a status", { status: 502 }, false],
    ["no error", undefined, false],
  ])("by %s", (_, error, disconnected) => {
    expect(isDisconnected(error)).toBe(disconnected);
  });
});
