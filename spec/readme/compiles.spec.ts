import { describe, expect, it } from "vitest";
import { BLOCKS, COMPOSITION } from "./blocks.js";
import { complaints } from "./compile.js";

describe("the code of the README and the recipes", () => {
  it("compiles, block by block", { timeout: 60_000 }, () => {
    expect(BLOCKS.map(({ title }) => title)).toContain(COMPOSITION);
    expect(complaints()).toEqual([]);
  });
});
