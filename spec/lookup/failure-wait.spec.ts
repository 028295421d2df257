import { describe, expect, it } from "vitest";
import { waitAfterFailure, type FailedLookups } from "../../src/lookup/failure-wait.js";

const after = (lookups: Partial<FailedLookups>, error: unknown = { status: 500 }) =>
  waitAfterFailure({ failures: 0, isEarly: false, inVain: 0, ...lookups }, error);
const unknownToken = { status: 401, errcode: "M_UNKNOWN_TOKEN" };

describe("the wait after a failure", () => {
  it("is 2 s, doubling to 5 min", () => {
    const waits = Array.from({ length: 10 }, (_, failures) => after({ failures }).wait / 1_000);
    expect(waits).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect(after({ failures: 100_000 }).wait).toBe(300_000);
  });

  it("begins at 2 s again, and doubles, if the lookup was an early one", () => {
    const waits = [0, 1, 2, 20].map((inVain) => after({ failures: 20, isEarly: true, inVain }).wait / 1_000);
    expect(waits).toEqual([2, 4, 8, 300]);
  });

  it("is not shorter than the server asks for", () => {
    expect(after({}, { retryAfter: 10_000 }).wait).toBe(10_000);
    expect(after({ failures: 5 }, { retryAfter: 10_000 }).wait).toBe(64_000);
    expect(after({}, { retryAfter: 3_600_000 }).wait).toBe(3_600_000);
    expect(after({}, { retryAfter: "soon" }).wait).toBe(2_000);
    expect(after({}, { retryAfter: Number.NaN }).wait).toBe(2_000);
    expect(after({}, { retryAfter: Number.POSITIVE_INFINITY }).wait).toBe(2_000);
  });
});

describe("what ends the wait after a failure", () => {
  it.each<[string, Partial<FailedLookups>, unknown, string]>([
    ["an announcement, after a refusal", {}, { status: 502 }, "announcement"],
    ["an announcement, if only the user's own server was not reached", {}, undefined, "announcement"],
    ["any response, if the server was not reached", {}, new Error("no network"), "response"],
    ["any response, if the failure is text", {}, "no network", "response"],
    ["time alone, if the server says how long", {}, { status: 429, retryAfter: 10 }, "time"],
    ["time alone, after an early lookup", { isEarly: true }, { status: 502 }, "time"],
    ["time alone, after an early lookup without a response", { isEarly: true }, new Error("no network"), "time"],
  ])("is %s", (_, lookups, error, endedBy) => {
    expect(after(lookups, error).endedBy).toBe(endedBy);
  });
});

describe("whether a failure is final", () => {
  it.each<[string, unknown, boolean]>([
    ["a refused token", unknownToken, true],
    ["a refused token that was replaced", { ...unknownToken, tokenReplaced: true }, false],
    ["the refusal of another request", { ...unknownToken, endpoint: "/refresh" }, false],
    ["the refusal of the query itself", { ...unknownToken, endpoint: "/keys/query" }, true],
    ["a token that did not arrive", { status: 401, errcode: "M_MISSING_TOKEN" }, false],
    ["a deactivated account", { status: 403, errcode: "M_USER_DEACTIVATED" }, true],
    ["a refused token without the status for it", { status: 500, errcode: "M_UNKNOWN_TOKEN" }, false],
    ["a rate limit", { status: 429, errcode: "M_LIMIT_EXCEEDED" }, false],
    ["a server error", { status: 502 }, false],
    ["no response", new Error("no network"), false],
    ["no error", undefined, false],
  ])("of %s", (_, error, isFinal) => {
    expect(after({}, error).wait === Number.POSITIVE_INFINITY).toBe(isFinal);
  });

  it("no more if the server answers other requests all the same", () => {
    expect([0, 1, 2, 3].map((inVain) => after({ isEarly: true, inVain }, unknownToken).wait)).toEqual([
      Infinity,
      Infinity,
      Infinity,
      16_000,
    ]);
    expect(after({ inVain: 3, failures: 3 }, unknownToken).wait).toBe(16_000);
  });
});
