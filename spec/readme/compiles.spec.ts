import { describe, expect, it } from "vitest";
import { BLOCKS } from "./blocks.js";
import { complaints } from "./compile.js";

describe("the README's code", () => {
  it("compiles, block by block", { timeout: 60_000 }, () => {
    expect(BLOCKS.map(({ title }) => title)).toContain("Use");
    expect(complaints()).toEqual([]);
  });
});
