import type { BrowserContext } from "playwright";
import { expect } from "vitest";
import type { UserId } from "../../../src/model/ids.js";
import { openDrivenPage, type DrivenPage } from "../browser/driven-page.js";
import { OWN_USER } from "../browser/proof-users.js";
import type { AnsweredUser, SavedDump } from "../browser/told.js";
import type { Truth } from "../browser/truth.js";
import { Witness } from "../browser/witness.js";

/** How long a tab that is always in the middle of a transaction is waited for, in ms. */
const PATIENCE = 1_000;
const eventually = { timeout: 20_000, interval: 5 };

/** A tab of the application, which goes from life to life: each has a name, a tracker and a witness of its own. */
export class ProofTab {
  readonly #url: string;
  readonly #truth: Truth;
  readonly #witnesses = new Map<string, Witness>();
  #driven: DrivenPage | undefined;
  #lookups = 0;
  /** Whether the tab is there, its page alive. */
  alive = false;
  /** Whether it shows another page for the moment. */
  away = false;
  name = "";
  witness: Witness;

  constructor(url: string, truth: Truth) {
    this.#url = url;
    this.#truth = truth;
    this.witness = new Witness("none", truth);
  }

  get awake(): boolean {
    return this.alive && !this.away && !this.witness.frozen;
  }

  /** Of all lives. */
  get witnesses(): Iterable<Witness> {
    return this.#witnesses.values();
  }

  /** A new tab behind the one that a person looks at; one in front is never frozen. */
  async open(name: string, context: BrowserContext): Promise<void> {
    const [inFront] = context.pages();
    this.#begin(name);
    this.#driven = await openDrivenPage(context, this.#address, (told, tab) => this.#witnesses.get(tab)?.hear(told));
    this.#driven.page.on("crash", () => {
      this.alive = false;
      this.witness.note("crashed");
    });
    await inFront?.bringToFront();
  }

  /** The page, new or loaded anew, begins to sync. */
  connect(): Promise<void> {
    return this.#page.run("connect");
  }

  /** The page goes, and comes anew. */
  async reload(name: string): Promise<void> {
    this.witness.note("is reloaded");
    this.#begin(name);
    await this.#page.page.goto(this.#address);
  }

  /** To another page: this one goes into the back/forward cache, if the browser so decides. */
  async leave(): Promise<void> {
    this.witness.note("is left");
    this.away = true;
    await this.#page.page.goto(`${this.#url}/elsewhere`);
  }

  /** Back from there: with all that was in memory, or loaded anew. */
  async comeBack(): Promise<"restored" | "loaded anew"> {
    const { witness } = this;
    const { starts, restored } = witness;
    await this.#page.page.evaluate(() => history.back()).catch(() => undefined); // the page may be gone before it can answer
    await expect.poll(() => witness.starts + witness.restored, eventually).toBeGreaterThan(starts + restored);
    this.away = false;
    return witness.starts > starts ? "loaded anew" : "restored";
  }

  async close(): Promise<void> {
    this.witness.note("is closed");
    this.alive = false;
    await this.#page.page.close();
  }

  async crash(): Promise<void> {
    const crashed = this.#page.page.waitForEvent("crash");
    this.#page.cdp.send("Page.crash").catch(() => undefined);
    await crashed;
    await this.#page.page.close();
  }

  /** Waits for a moment between two transactions; false where none comes soon. */
  async pauses(): Promise<boolean> {
    const { witness } = this;
    const end = performance.now() + PATIENCE;
    while (witness.reading + witness.updating > 0) {
      if (performance.now() > end) return false;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return true;
  }

  /**
   * Freezes the tab; false where it was in the middle of a transaction, and is awake again. A browser does not freeze such a page, for it would block every other
   * tab (Chromium: `CannotFreezeReason::kHoldingIndexedDBLock`); what drives it does.
   */
  async freeze(): Promise<boolean> {
    const { witness } = this;
    await this.#page.cdp.send("Page.setWebLifecycleState", { state: "frozen" });
    await expect.poll(() => witness.frozen, eventually).toBe(true);
    if (witness.reading + witness.updating === 0) return true;
    await this.wake();
    return false;
  }

  async wake(): Promise<void> {
    const { witness } = this;
    await this.#page.cdp.send("Page.setWebLifecycleState", { state: "active" });
    await expect.poll(() => witness.frozen, eventually).toBe(false);
  }

  /** Looks users up; `undefined` where that fails. */
  async lookup(users: readonly UserId[], forceDownload = false): Promise<readonly AnsweredUser[] | undefined> {
    const id = this.#lookups++;
    const answered = this.witness.answered(id);
    await this.#page.run("lookup", id, users, forceDownload);
    return answered;
  }

  saved(): Promise<SavedDump> {
    return this.#page.run("saved");
  }

  #begin(name: string): void {
    this.name = name;
    this.witness = new Witness(name, this.#truth);
    this.#witnesses.set(name, this.witness);
    this.alive = true;
  }

  get #address(): string {
    return `${this.#url}/?tab=${this.name}&user=${encodeURIComponent(OWN_USER)}&shared=sync`;
  }

  get #page(): DrivenPage {
    if (this.#driven === undefined) throw new Error("the tab was never opened");
    return this.#driven;
  }
}
