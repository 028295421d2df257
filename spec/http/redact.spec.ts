import { describe, expect, it } from "vitest";
import { redact, redactJson } from "../../src/http/redact.js";

const LONG = "syt_YWxpY2U_aGVsbG8_1x";

describe("the access token in a text", () => {
  it.each([
    ["secret", "Unknown token 'secret'.", "Unknown token '<access token>'."],
    [
      "secret",
      "secret: see the secretary, undersecretary and top_secret",
      "<access token>: see the secretary, undersecretary and top_secret",
    ],
    ["a+b$", "a+b$ is unknown, aab is not", "<access token> is unknown, aab is not"],
    ["x", "x, example", "<access token>, example"],
    [LONG, `Bearer%20${LONG} and ${LONG}`, "Bearer%20<access token> and <access token>"],
  ])("%s is removed from %j", (token, text, expected) => {
    expect(redact(text, token)).toBe(expected);
  });

  it("is not looked for if there is none", () => {
    expect(redact("text", undefined)).toBe("text");
    expect(redact("text", "")).toBe("text");
  });
});

describe("the access token in JSON", () => {
  it("is removed from strings and names", () => {
    const value = { a: [LONG, 1, null, true], [LONG]: { b: `token ${LONG}` } };
    expect(redactJson(value, LONG)).toEqual({
      a: ["<access token>", 1, null, true],
      "<access token>": { b: "token <access token>" },
    });
  });

  it("is cut if it is nested too deeply for the stack", () => {
    const deep: unknown = JSON.parse(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`);
    expect(JSON.stringify(redactJson(deep, LONG)).length).toBeLessThan(500);
  });

  it("does not change the value itself", () => {
    const value = { a: [LONG] };
    redactJson(value, LONG);
    expect(value).toEqual({ a: [LONG] });
  });
});
