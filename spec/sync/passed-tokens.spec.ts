import { expect, it } from "vitest";
import { PassedTokens, type ReadChain } from "../../src/sync/passed-tokens.js";

const chainAt = (token: string | undefined, ...passed: readonly string[]): ReadChain => ({
  state: { token },
  passed: new Set(passed),
});

/** Which of these tokens memory has stood on. */
const stoodOn = (passed: PassedTokens, ...tokens: readonly string[]) =>
  tokens.filter((token) => passed.inMemory(token));

it("the current token has not been passed, those before it have", () => {
  const passed = new PassedTokens(chainAt("s1"));
  passed.follow({ next: "s1" });
  passed.follow({ next: "s2" });
  passed.follow({ next: "s3" });
  expect(stoodOn(passed, "s1", "s2", "s3")).toEqual(["s1", "s2"]);
});

it("having no token is not a token that is passed", () => {
  const passed = new PassedTokens(chainAt(undefined));
  passed.follow({ next: "s1" });
  expect(stoodOn(passed, "", "undefined", "s1")).toEqual([]);
});

it("the oldest are forgotten", () => {
  const passed = new PassedTokens(chainAt("s0"));
  for (let i = 1; i <= 200; i++) passed.follow({ next: `s${i}` });
  expect(stoodOn(passed, "s99", "s100", "s199", "s200")).toEqual(["s100", "s199"]);
});

it("a token that memory left for another line of tokens has not been passed", () => {
  const passed = new PassedTokens(chainAt("t1"));
  passed.follow({ next: "t2" });
  passed.standOn(chainAt("s5"));
  expect(stoodOn(passed, "t1", "t2", "s5")).toEqual(["t1"]);
  passed.follow({ next: "t2" });
  expect(stoodOn(passed, "t1", "t2", "s5")).toEqual(["t1", "s5"]);
});

it("the chain has passed what it had passed when it was read, and what memory has stood on since", () => {
  const passed = new PassedTokens(chainAt("s2", "s1"));
  passed.follow({ next: "s3" });
  expect(["s1", "s2", "s3"].filter((token) => passed.inChain(token))).toEqual(["s1", "s2"]);
  expect(stoodOn(passed, "s1", "s2", "s3")).toEqual(["s2"]);
  passed.standOn(chainAt("t1"));
  expect(["s1", "s2"].filter((token) => passed.inChain(token))).toEqual(["s2"]);
});

it("what the chain has passed is read again with it", () => {
  const passed = new PassedTokens(chainAt("s1"));
  passed.reread({ passed: new Set(["s2"]) });
  passed.follow({ next: "s3" });
  expect(["s1", "s2", "s3"].filter((token) => passed.inChain(token))).toEqual(["s1", "s2"]);
});

it("tokens before a gap that was not closed have not been passed: their order is not known", () => {
  const passed = new PassedTokens(chainAt("s2", "s1"));
  passed.follow({ next: "t5", everyone: "untracked" });
  passed.follow({ next: "t6" });
  expect(["s1", "s2", "t5", "t6"].filter((token) => passed.inChain(token))).toEqual(["t5"]);
});
