import { vi } from "vitest";
import { FakeLocks } from "./fake-locks.js";

/** A BroadcastChannel of a tab. */
class FakeChannel extends EventTarget {
  readonly #browser: FakeBrowser;
  readonly tab: FakeTab;
  readonly name: string;

  constructor(browser: FakeBrowser, tab: FakeTab, name: string) {
    super();
    this.#browser = browser;
    this.tab = tab;
    this.name = name;
    browser.channels.add(this);
  }

  postMessage(message: unknown): void {
    if (!this.#browser.channels.has(this)) throw new Error("the channel is closed");
    this.#browser.messages.push(message);
    for (const other of this.#browser.channels) {
      if (other === this || other.name !== this.name) continue;
      const data: unknown = structuredClone(message);
      queueMicrotask(() => other.tab.task(() => other.#receive(data)));
    }
  }

  close(): void {
    this.#browser.channels.delete(this);
  }

  #receive(data: unknown): void {
    if (this.#browser.channels.has(this)) this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

/** A browser, as far as inOneTab() uses it. */
export class FakeBrowser {
  readonly locks = new FakeLocks();
  /** The channels that are open. */
  readonly channels = new Set<FakeChannel>();
  /** All messages sent over them. */
  readonly messages: unknown[] = [];

  tab(): FakeTab {
    return new FakeTab(this);
  }

  /** Sends a message to all tabs. */
  broadcast(name: string, message: unknown): void {
    const channel = new FakeChannel(this, this.tab(), name);
    channel.postMessage(message);
    channel.close();
  }
}

/** One of its tabs, with an event loop that can hang. */
export class FakeTab {
  readonly #browser: FakeBrowser;
  readonly #page = { document: new EventTarget(), window: new EventTarget() };
  /** Tasks of the event loop, while the tab hangs. */
  #waiting: (() => void)[] | undefined;

  constructor(browser: FakeBrowser) {
    this.#browser = browser;
  }

  /** Runs a function with the globals of this tab; `vi.unstubAllGlobals()` removes them. */
  run<R>(work: () => R): R {
    const [browser, tab] = [this.#browser, this];
    vi.stubGlobal("navigator", { locks: browser.locks.of(tab) });
    vi.stubGlobal(
      "BroadcastChannel",
      class extends FakeChannel {
        constructor(name: string) {
          super(browser, tab, name);
        }
      },
    );
    const { document, window } = this.#page;
    vi.stubGlobal("document", document);
    vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
    vi.stubGlobal("removeEventListener", window.removeEventListener.bind(window));
    return work();
  }

  /** Runs a task of the event loop, once the tab does not hang. */
  task(work: () => void): void {
    if (this.#waiting === undefined) this.run(work);
    else this.#waiting.push(work);
  }

  /** Stops the event loop, without an event. */
  hang(): void {
    this.#waiting ??= [];
  }

  recover(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const work of waiting) this.run(work);
  }

  get hangs(): boolean {
    return this.#waiting !== undefined;
  }

  freeze = (): void => this.#dispatch("document", "freeze");
  resume = (): void => this.#dispatch("document", "resume");
  /** Leaves for the back/forward cache. */
  leave = (): void => this.#dispatch("window", "pagehide");
  comeBack = (): void => this.#dispatch("window", "pageshow");

  /** Ends without any event. */
  crash(): void {
    this.hang();
    for (const channel of this.#browser.channels) if (channel.tab === this) channel.close();
    this.#browser.locks.drop(this);
  }

  #dispatch(target: "document" | "window", event: string): void {
    this.run(() => this.#page[target].dispatchEvent(new Event(event)));
  }
}

/** Resolves once everything under way has arrived. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
