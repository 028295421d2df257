import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChromium, type OwnChromium } from "../../tabs/own-chromium.js";
import { executablePath } from "../../support/installed-chromium.js";
import { openDrivenPage } from "../browser/driven-page.js";
import { OWN_USER } from "../browser/truth.js";
import type { Driven, Victim } from "./kill-again-and-again.js";

/**
 * A browser profile. Killed in the middle of a write, Chromium may append to a log that ends in half a record, and finds
 * it corrupted at the start after the next. Then it deletes the database, which no application can prevent.
 */
export class KilledBrowser implements Victim {
  readonly #profile: string;
  #browser: OwnChromium | undefined;

  private constructor(profile: string) {
    this.#profile = profile;
  }

  static async make(): Promise<KilledBrowser> {
    return new KilledBrowser(await mkdtemp(join(tmpdir(), "kills-")));
  }

  async start({ url, name }: Parameters<Victim["start"]>[0], receive: Parameters<Victim["start"]>[1]): Promise<Driven> {
    this.#browser = await startChromium(executablePath, this.#profile);
    const address = `${url}/?tab=${name}&user=${encodeURIComponent(OWN_USER)}`;
    return openDrivenPage(this.#browser.context, address, receive);
  }

  async kill(): Promise<void> {
    await this.#browser?.kill();
  }

  /** The browser's log may arrive after the page's answer. */
  async hasLostDatabase(): Promise<boolean> {
    for (let i = 0; i < 20 && this.#browser?.hasLostDatabase === false; i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    return this.#browser?.hasLostDatabase === true;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }
}
