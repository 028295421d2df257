import { UsageError } from "./usage-error.js";

/** The parts of the standard input that are used. */
export interface Input {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  off(event: "data", listener: (chunk: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

const ENTER = ["\r", "\n"];
const ERASE = ["\u007F", "\b"];
const INTERRUPT = "\u0003";
const END = "\u0004";

/** Reads a password from the terminal without showing it. Rejects with a {@link UsageError} if there is no terminal. */
export async function askPassword(input: Input, prompt: (text: string) => void, question: string): Promise<string> {
  if (input.isTTY !== true || input.setRawMode === undefined)
    throw new UsageError("set MATRIX_PASSWORD or MATRIX_ACCESS_TOKEN: there is no terminal to ask for a password");
  input.setRawMode(true); // first: text typed or pasted at once must not be shown either
  input.resume();
  prompt(question);
  try {
    return await typedLine(input, () => {
      prompt("\n"); // the command ends without waiting for the rest of the line
      process.kill(process.pid, "SIGINT");
    });
  } finally {
    input.setRawMode(false);
    input.pause();
    prompt("\n");
  }
}

function typedLine(input: Input, interrupt: () => void): Promise<string> {
  return new Promise((resolve) => {
    const typed: string[] = [];
    const decoder = new TextDecoder();
    const read = (chunk: Buffer) => {
      for (const character of decoder.decode(chunk, { stream: true })) {
        if (ENTER.includes(character) || character === END) {
          input.off("data", read);
          resolve(typed.join(""));
          return;
        }
        // In raw mode, the terminal does not do this.
        if (character === INTERRUPT) interrupt();
        else if (ERASE.includes(character)) typed.pop();
        else typed.push(character);
      }
    };
    input.on("data", read);
  });
}
