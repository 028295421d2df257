/** Fakes of what a browser gives its tabs, as far as inOneTab() uses it. */
import { vi } from "vitest";

interface LockRequest {
  readonly tab: FakeTab;
  readonly name: string;
  readonly callback: () => Promise<void> | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const abortError = () => Object.assign(new Error("aborted, or the lock was stolen"), { name: "AbortError" });

/** Web Locks in exclusive mode, with a queue, `signal` and `steal`. As in a browser, grants come in a later microtask. */
export class FakeLocks {
  readonly #held = new Map<string, LockRequest>();
  #queue: LockRequest[] = [];
  /** What every request fails with, if set. */
  refusal: Error | undefined;
  steals = 0;

  /** `navigator.locks` of a tab. */
  of(tab: FakeTab): LockManager {
    const request = (
      name: string,
      options: { signal?: AbortSignal; steal?: boolean },
      callback: () => Promise<void> | undefined,
    ) =>
      new Promise<void>((resolve, reject) => {
        if (this.refusal !== undefined) return reject(this.refusal);
        if (options.steal === true && options.signal !== undefined)
          return reject(new Error("signal and steal exclude each other"));
        const made = { tab, name, callback, resolve, reject };
        if (options.steal === true) this.#steal(made);
        else this.#enqueue(made, options.signal);
      });
    return { request } as unknown as LockManager;
  }

  /** The numbers of locks held and of requests queued. */
  get counts(): { readonly held: number; readonly queued: number } {
    return { held: this.#held.size, queued: this.#queue.length };
  }

  /** Drops everything that a crashed tab holds or has requested. */
  drop(tab: FakeTab): void {
    this.#queue = this.#queue.filter((request) => request.tab !== tab);
    for (const [name, request] of this.#held) if (request.tab === tab) this.#release(name);
  }

  #steal(request: LockRequest): void {
    this.steals++;
    const robbed = this.#held.get(request.name);
    this.#grant(request);
    robbed?.tab.task(() => robbed.reject(abortError()));
  }

  #enqueue(request: LockRequest, signal?: AbortSignal): void {
    this.#queue.push(request);
    signal?.addEventListener("abort", () => {
      if (!this.#queue.includes(request)) return;
      this.#queue = this.#queue.filter((queued) => queued !== request);
      request.reject(abortError());
    });
    queueMicrotask(() => this.#next(request.name));
  }

  #next(name: string): void {
    if (this.#held.has(name)) return;
    const request = this.#queue.find((queued) => queued.name === name);
    if (request === undefined) return;
    this.#queue = this.#queue.filter((queued) => queued !== request);
    this.#grant(request);
  }

  #grant(request: LockRequest): void {
    this.#held.set(request.name, request);
    const run = () => {
      void Promise.resolve(request.callback()).then(() => {
        if (this.#held.get(request.name) !== request) return; // stolen
        request.resolve();
        this.#release(request.name);
      });
    };
    queueMicrotask(() => request.tab.task(run));
  }

  #release(name: string): void {
    this.#held.delete(name);
    this.#next(name);
  }
}

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
