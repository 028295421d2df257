import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable, printableJson } from "../../src/cli/printable.js";
import { SEED } from "../support/seed.js";
import { capturedOutput } from "./captured-output.js";

/** Characters that a terminal obeys, or that change how others are shown. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe("text of others", () => {
  it.each([
    ["Bob’s phone 📱", "Bob’s phone 📱"],
    ["a\u001B[31mb", "a\uFFFD[31mb"],
    ["a\u202Eb\u2066c", "a\uFFFDb\uFFFDc"],
    ["a\r\n\tb", "a b"],
    ["\u009B1A", "\uFFFD1A"],
    ["\ud800", "\uFFFD"],
  ])("%j is printed as %j", (text, expected) => {
    expect(printable(text)).toBe(expected);
  });

  it("has no such character, whatever it is, and JSON keeps its value", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom("\u001B", "\u202E", "\u2028", "a") }),
    );
    fc.assert(
      fc.property(text, (value) => {
        expect(printable(value)).not.toMatch(OBEYED);
        const json = printableJson({ value });
        expect(json).not.toMatch(OBEYED);
        expect(JSON.parse(json)).toEqual({ value });
      }),
      { seed: SEED },
    );
  });

  it("is cut if it is endless", () => {
    expect(printable("x".repeat(1_000_000)).length).toBeLessThan(3_000);
  });
});

describe("output", () => {
  it.each<[string, boolean, Record<string, string>, string]>([
    ["a terminal", true, {}, "\u001B[1mbold\u001B[0m plain\n"],
    ["a terminal, with NO_COLOR", true, { NO_COLOR: "1" }, "bold plain\n"],
    ["a terminal, with an empty NO_COLOR", true, { NO_COLOR: "" }, "\u001B[1mbold\u001B[0m plain\n"],
    ["a dumb terminal", true, { TERM: "dumb" }, "bold plain\n"],
    ["a pipe", false, {}, "bold plain\n"],
  ])("has the colours of %s", (_, isTTY, env, expected) => {
    const { output, printed } = capturedOutput({ isTTY, env });
    output.line(["bold", "bold"], " plain");
    expect(printed.stdout).toBe(expected);
  });

  it("ends lines without spaces", () => {
    const { output, printed } = capturedOutput();
    output.line("  PHONE", "  ", "");
    expect(printed.stdout).toBe("  PHONE\n");
  });

  it("shows what is going on until the next line, on a terminal alone", () => {
    const onTerminal = capturedOutput({ isTTY: true, env: { NO_COLOR: "1" } });
    onTerminal.output.status("1 of 2");
    onTerminal.output.line("done");
    expect(onTerminal.printed).toEqual({ stdout: "done\n", stderr: "\r\u001B[K1 of 2 …\r\u001B[K" });
    const inPipe = capturedOutput();
    inPipe.output.status("1 of 2");
    inPipe.output.warn("careful");
    expect(inPipe.printed).toEqual({ stdout: "", stderr: "warning: careful\n" });
  });
});
