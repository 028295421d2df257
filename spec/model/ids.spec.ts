import { describe, expect, it } from "vitest";
import { isUserId, serverName } from "../../src/model/ids.js";

describe("isUserId", () => {
  it.each([
    "@a:b",
    "@:b",
    "@a:b:8448",
    "@a b/=+🐼:example.org",
    "@A:[::1]:80",
    "@a\n:b",
    `@${"a".repeat(252)}:b`,
    `@${"é".repeat(126)}:b`,
  ])("accepts %j", (id) => {
    expect(isUserId(id)).toBe(true);
  });

  it.each([
    "",
    "@",
    "@a",
    "@a:",
    "a:b",
    "#a:b",
    " @a:b",
    `@${"a".repeat(253)}:b`,
    `@${"é".repeat(127)}:b`,
    `@${"🐼".repeat(64)}:b`,
  ])("refuses %j", (id) => {
    expect(isUserId(id)).toBe(false);
  });

  it.each([undefined, null, 5, {}, ["@a:b"], new String("@a:b")])("refuses %j, which is not a string", (id) => {
    expect(isUserId(id)).toBe(false);
  });
});

describe("serverName", () => {
  it.each([
    ["@a:example.org", "example.org"],
    ["@a:example.org:8448", "example.org:8448"],
    ["@a:[::1]:80", "[::1]:80"],
    ["@:b", "b"],
  ])("of %s is %s", (id, server) => {
    expect(serverName(id)).toBe(server);
  });
});
