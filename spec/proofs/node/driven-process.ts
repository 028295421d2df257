import { fork } from "node:child_process";
import { once } from "node:events";
import type { NumberedEvent, ProofPage } from "../browser/page-events.js";
import type { Command, Message } from "./messages.js";

/** A process of the proofs, which may be killed at any time. */
export class DrivenProcess {
  readonly #child;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #commands = 0;

  private constructor(script: string, args: readonly string[], receive: (event: NumberedEvent) => void) {
    this.#child = fork(script, args, { serialization: "advanced" });
    this.#child.on("message", (message: Message) => {
      if ("event" in message) receive(message.event);
      else {
        this.#waiting.get(message.id)?.(message.result);
        this.#waiting.delete(message.id);
      }
    });
  }

  static async start(
    script: string,
    args: readonly string[],
    receive: (event: NumberedEvent) => void,
  ): Promise<DrivenProcess> {
    const driven = new DrivenProcess(script, args, receive);
    await driven.#result(0);
    return driven;
  }

  /** Calls a function of the process, and waits for its result. */
  async run<K extends keyof ProofPage>(
    name: K,
    ...args: Parameters<ProofPage[K]>
  ): Promise<Awaited<ReturnType<ProofPage[K]>>> {
    const id = ++this.#commands;
    const result = this.#result(id);
    this.#child.send({ id, name, args } satisfies Command);
    return (await result) as Awaited<ReturnType<ProofPage[K]>>;
  }

  /** Ends it as a crash would. Resolves when it is gone, and everything that it reported has arrived. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = Promise.all([once(this.#child, "exit"), once(this.#child, "disconnect")]);
    this.#child.kill("SIGKILL");
    await gone;
  }

  #result(id: number): Promise<unknown> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}
