import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OWN_USER } from "../browser/truth.js";
import { DrivenProcess } from "../node/driven-process.js";
import type { Driven, Victim } from "./kill-again-and-again.js";

/** The directory of a levelStore, and the processes that use it one after the other. */
export class KilledProcess implements Victim {
  readonly #script: string;
  readonly #location: string;
  #process: DrivenProcess | undefined;

  private constructor(script: string, location: string) {
    this.#script = script;
    this.#location = location;
  }

  static async make(script: string): Promise<KilledProcess> {
    return new KilledProcess(script, await mkdtemp(join(tmpdir(), "kills-")));
  }

  async start({ url, name }: Parameters<Victim["start"]>[0], receive: Parameters<Victim["start"]>[1]): Promise<Driven> {
    this.#process = await DrivenProcess.start(this.#script, [`${url}/${name}`, OWN_USER, this.#location], receive);
    return this.#process;
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Nothing but a failing disk can explain it. */
  hasLostDatabase(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#location, { recursive: true });
  }
}
