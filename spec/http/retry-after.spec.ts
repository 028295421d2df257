import { describe, expect, it } from "vitest";
import { retryAfter } from "../../src/http/retry-after.js";

const NOW = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
const none = { retryAfter: undefined, date: undefined };

describe("retryAfter", () => {
  it("reads the milliseconds of the body", () => {
    expect(retryAfter(4_000, none, NOW)).toBe(4_000);
  });

  it("reads the seconds of the header", () => {
    expect(retryAfter(undefined, { retryAfter: "4", date: undefined }, NOW)).toBe(4_000);
  });

  it("reads the date of the header by the server's clock", () => {
    const headers = { retryAfter: "Wed, 21 Oct 2026 12:00:30 GMT", date: "Wed, 21 Oct 2026 12:00:00 GMT" };
    expect(retryAfter(undefined, headers, NOW)).toBe(30_000);
  });

  it("reads the date of the header by our clock if the server's is unknown", () => {
    expect(retryAfter(undefined, { retryAfter: "Wed, 21 Oct 2026 07:28:30 GMT", date: undefined }, NOW)).toBe(30_000);
  });

  it("treats a date in the past as no wait", () => {
    expect(retryAfter(undefined, { retryAfter: "Wed, 21 Oct 2026 07:00:00 GMT", date: undefined }, NOW)).toBe(0);
  });

  it("returns the longer of the two", () => {
    expect(retryAfter(1_000, { retryAfter: "4", date: undefined }, NOW)).toBe(4_000);
    expect(retryAfter(9_000, { retryAfter: "4", date: undefined }, NOW)).toBe(9_000);
  });

  it.each([
    ["a string", "4000"],
    ["negative", -1],
    ["infinite", Number.POSITIVE_INFINITY],
    ["null", null],
  ])("ignores a retry_after_ms that is %s", (_what, value) => {
    expect(retryAfter(value, none, NOW)).toBeUndefined();
    expect(retryAfter(value, { retryAfter: "2", date: undefined }, NOW)).toBe(2_000);
  });

  it.each([["in a while"], [["4"]], [""]])("ignores the header %j", (value) => {
    expect(retryAfter(undefined, { retryAfter: value, date: undefined }, NOW)).toBeUndefined();
  });
});
