import { describe, expect, it } from "vitest";
import { BLOCKS, COMPOSITION, EXAMPLE_BLOCKS } from "./blocks.js";
import { complaints } from "./compile.js";

describe("the code of the README, the recipes and the example", () => {
  it("compiles, block by block", { timeout: 60_000 }, () => {
    expect(BLOCKS.map(({ title }) => title)).toContain(COMPOSITION);
    expect(EXAMPLE_BLOCKS).not.toEqual([]);
    expect(complaints()).toEqual([]);
  });
});
