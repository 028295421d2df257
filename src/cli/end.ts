/** Ends the process once all output has been written, even if requests are still waiting. */
export function end(code: number): void {
  process.exitCode = code;
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}
