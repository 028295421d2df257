import { describe, expect, it } from "vitest";
import { Emissions } from "../../src/tracker/emission-queue.js";

describe("Emissions", () => {
  it("emit at once where nothing is held", () => {
    const seen: number[] = [];
    new Emissions().push(() => seen.push(1));
    expect(seen).toEqual([1]);
  });

  it("wait until what is held is done, and keep their order", () => {
    const emissions = new Emissions();
    const seen: string[] = [];
    emissions.hold(() => {
      emissions.push(() => seen.push("first"));
      emissions.hold(() => emissions.push(() => seen.push("second")));
      seen.push("done");
    });
    expect(seen).toEqual(["done", "first", "second"]);
  });

  it("wait for those before them: one pushed from inside another comes after it and after what was there", () => {
    const emissions = new Emissions();
    const seen: string[] = [];
    emissions.hold(() => {
      emissions.push(() => {
        emissions.push(() => seen.push("inner"));
        seen.push("outer");
      });
      emissions.push(() => seen.push("next"));
    });
    expect(seen).toEqual(["outer", "next", "inner"]);
  });

  it("go on after something held has thrown", () => {
    const emissions = new Emissions();
    const seen: string[] = [];
    const failing = () =>
      emissions.hold(() => {
        emissions.push(() => seen.push("pushed"));
        throw new Error("failed");
      });
    expect(failing).toThrow("failed");
    emissions.push(() => seen.push("later"));
    expect(seen).toEqual(["pushed", "later"]);
  });

  it("give what the held action gave", () => {
    expect(new Emissions().hold(() => 5)).toBe(5);
  });
});
