import type { BrowserContext } from "playwright";
import { expect } from "vitest";
import type { UserId } from "../../../src/model/ids.js";
import { openDrivenPage, type DrivenPage } from "../browser/driven-page.js";
import type { Oracle } from "../browser/oracle.js";
import type { Listed, ProofPage } from "../browser/page-events.js";
import { TabRecord } from "../browser/tab-record.js";
import { ALL_USERS, OWN_USER } from "../browser/truth.js";

const eventually = { timeout: 20_000, interval: 5 };

/** A tab of the application, which has one life after another: each has a name, a tracker and a record of its own. */
export class ProofTab {
  readonly #slot: string;
  readonly #url: string;
  readonly #oracle: Oracle;
  readonly #records = new Map<string, TabRecord>();
  #driven: DrivenPage | undefined;
  #lookups = 0;
  record: TabRecord;
  /** Whether the tab is open, and its page alive. */
  isOpen = false;
  /** Whether the tab shows another page at the moment. */
  isAway = false;
  /** When to wake it up, in ms of `performance.now()`. */
  wakeAt: number | undefined;

  constructor(slot: string, url: string, oracle: Oracle) {
    this.#slot = slot;
    this.#url = url;
    this.#oracle = oracle;
    this.record = new TabRecord(slot);
  }

  get name(): string {
    return this.record.name;
  }

  get isAwake(): boolean {
    return this.isOpen && !this.isAway && !this.record.isAsleep;
  }

  /** The records of all lives. */
  get records(): Iterable<TabRecord> {
    return this.#records.values();
  }

  /** Opens a tab behind the visible one, which the browser never freezes. */
  async open(context: BrowserContext): Promise<void> {
    const [inFront] = context.pages();
    this.#begin();
    this.#driven = await openDrivenPage(context, this.#address, (event, name) => {
      const record = this.#records.get(name);
      if (record !== undefined) this.#oracle.receive(event, record);
    });
    this.#driven.page.on("crash", () => (this.isOpen = false));
    await inFront?.bringToFront();
  }

  /** Begins to sync; every second life watches all users as well. */
  async connect(): Promise<void> {
    await this.run("connect");
    if (this.#records.size % 2 === 0) await this.run("watch", ALL_USERS);
  }

  async reload(): Promise<void> {
    this.record.note("is reloaded");
    this.#begin();
    await this.#navigate(this.#address);
  }

  /** Goes to another page; this one enters the back/forward cache if the browser decides so. */
  async leave(): Promise<void> {
    this.record.note("is left");
    this.isAway = true;
    await this.#navigate(`${this.#url}/elsewhere`);
  }

  /** Goes back: the page has everything in memory, or is loaded again. */
  async comeBack(): Promise<"restored" | "loaded again"> {
    const { record } = this;
    const { loads, wakes } = record;
    this.#page.cdp.send("Runtime.evaluate", { expression: "history.back()" }).catch(() => undefined); // the page may be gone before it can answer
    await expect.poll(() => record.loads + record.wakes, eventually).toBeGreaterThan(loads + wakes);
    await this.#page.shows(this.#address);
    this.isAway = false;
    return record.loads > loads ? "loaded again" : "restored";
  }

  async close(): Promise<void> {
    this.record.note("is closed");
    this.isOpen = false;
    await this.#page.page.close();
  }

  async crash(): Promise<void> {
    this.record.note("crashes");
    const crashed = this.#page.page.waitForEvent("crash");
    this.#page.cdp.send("Page.crash").catch(() => undefined); // it is never answered
    await crashed;
    this.isOpen = false;
    await this.#page.page.close();
  }

  async freeze(): Promise<void> {
    await this.#page.cdp.send("Page.setWebLifecycleState", { state: "frozen" });
    await expect.poll(() => this.record.isAsleep, eventually).toBe(true);
  }

  async thaw(): Promise<void> {
    await this.#page.cdp.send("Page.setWebLifecycleState", { state: "active" });
    await expect.poll(() => this.record.isAsleep, eventually).toBe(false);
  }

  /** The result of a lookup; `undefined` if it fails. */
  async lookUp(users: readonly UserId[], forceDownload = false): Promise<readonly Listed[] | undefined> {
    const id = this.#lookups++;
    const result = this.record.result(id);
    await this.run("lookUp", id, users, forceDownload);
    return result;
  }

  run<K extends keyof ProofPage>(
    name: K,
    ...args: Parameters<ProofPage[K]>
  ): Promise<Awaited<ReturnType<ProofPage[K]>>> {
    return this.#page.run(name, ...args);
  }

  #begin(): void {
    this.record = new TabRecord(`${this.#slot}${this.#records.size + 1}`);
    this.#records.set(this.name, this.record);
    this.isOpen = true;
    this.isAway = false;
    this.wakeAt = undefined;
  }

  async #navigate(url: string): Promise<void> {
    await this.#page.cdp.send("Page.navigate", { url });
    await this.#page.shows(url);
  }

  get #address(): string {
    return `${this.#url}/?tab=${this.name}&user=${encodeURIComponent(OWN_USER)}&shared=sync`;
  }

  get #page(): DrivenPage {
    if (this.#driven === undefined) throw new Error("the tab was never opened");
    return this.#driven;
  }
}
