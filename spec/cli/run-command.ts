import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { expect } from "vitest";

const SOON = { timeout: 10_000, interval: 10 };

/** A command line that runs in a process of its own, without a terminal. */
export class RunningCommand {
  stdout = "";
  stderr = "";
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<unknown>;

  constructor(script: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [script, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#ended = once(this.#child, "close");
  }

  /** The JSON objects that it has printed. */
  get objects(): readonly Readonly<Record<string, unknown>>[] {
    return this.stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  async prints(text: string | RegExp): Promise<void> {
    await expect.poll(() => `${this.stdout}${this.stderr}`, SOON).toMatch(text);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Stops reading its output, as `head` does. */
  closePipe(): void {
    this.#child.stdout.destroy();
  }

  /** Its exit code, once it has ended. */
  async code(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
