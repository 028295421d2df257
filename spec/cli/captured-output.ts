import { Output } from "../../src/cli/output.js";

/** An output whose streams are kept as text. */
export function capturedOutput({ isTTY = false, env = {} }: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  const printed = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr") => ({ isTTY, write: (text: string) => (printed[name] += text) });
  return { printed, output: new Output({ stdout: stream("stdout"), stderr: stream("stderr"), env }) };
}
