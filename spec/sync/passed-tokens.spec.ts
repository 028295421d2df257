import { expect, it } from "vitest";
import { PassedTokens } from "../../src/sync/passed-tokens.js";

it("the current token has not been passed, those before it have", () => {
  const passed = new PassedTokens("s1");
  passed.moveTo("s1");
  passed.moveTo("s2");
  passed.moveTo("s3");
  expect([...passed.tokens]).toEqual(["s1", "s2"]);
});

it("having no token is not a token that is passed", () => {
  const passed = new PassedTokens(undefined);
  passed.moveTo("s1");
  expect(passed.tokens.size).toBe(0);
});

it("the oldest are forgotten", () => {
  const passed = new PassedTokens("s0");
  for (let i = 1; i <= 200; i++) passed.moveTo(`s${i}`);
  expect([passed.tokens.size, passed.tokens.has("s99"), passed.tokens.has("s100")]).toEqual([100, false, true]);
});

it("a token that memory left for another line of tokens has not been passed", () => {
  const passed = new PassedTokens("t1");
  passed.moveTo("t2");
  passed.standOn("s5");
  expect([...passed.tokens]).toEqual(["t1"]);
  passed.moveTo("t2");
  expect([...passed.tokens]).toEqual(["t1", "s5"]);
});
