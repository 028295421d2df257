import { PassThrough } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { askPassword } from "../../src/cli/ask-password.js";
import { UsageError } from "../../src/cli/usage-error.js";

/** A terminal, and what is shown on it. */
function terminal() {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (isRaw: boolean) => modes.push(isRaw) });
  const shown: string[] = [];
  /** Whether the terminal would have shown what is typed, at each prompt. */
  const echoes: boolean[] = [];
  const prompt = (text: string) => {
    shown.push(text);
    echoes.push(modes.at(-1) !== true);
  };
  const password = askPassword(input, prompt, "Password: ");
  return { input, modes, shown, echoes, password };
}

describe("the question for a password", () => {
  it.each([
    [["secret\r"], "secret"],
    [["se", "cre", "t\n"], "secret"],
    [["secretx\u007F\r"], "secret"],
    [["\u007Fsecret\r"], "secret"],
    [["pässwörd📱\r"], "pässwörd📱"],
    [["sec\u0004"], "sec"],
    [["\r"], ""],
  ])("reads %j as %j without showing it", async (typed, expected) => {
    const { input, modes, shown, echoes, password } = terminal();
    for (const text of typed) input.write(text);
    expect(await password).toBe(expected);
    expect(shown).toEqual(["Password: ", "\n"]);
    expect(modes).toEqual([true, false]);
    expect(echoes[0]).toBe(false);
  });

  it("reads a character whose bytes arrive apart", async () => {
    const { input, password } = terminal();
    const bytes = Buffer.from("ä\r");
    input.write(bytes.subarray(0, 1));
    await new Promise((resolve) => setImmediate(resolve));
    input.write(bytes.subarray(1));
    expect(await password).toBe("ä");
  });

  it("is interrupted by Ctrl-C like any command", async () => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    const { input, password } = terminal();
    input.write("a\u0003\r");
    await password;
    expect(kill).toHaveBeenCalledWith(process.pid, "SIGINT");
    kill.mockRestore();
  });

  it("ends its line when it is interrupted", async () => {
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    const { input, shown } = terminal();
    input.write("a\u0003");
    await vi.waitFor(() => expect(kill).toHaveBeenCalled());
    expect(shown).toEqual(["Password: ", "\n"]);
    kill.mockRestore();
  });

  it("fails without a terminal", async () => {
    await expect(askPassword(new PassThrough(), () => {}, "?")).rejects.toThrow(UsageError);
  });
});
