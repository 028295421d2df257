/** Ends the process once everything that was printed has been written: requests may still be waiting. */
export function end(code: number): void {
  process.exitCode = code;
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}
