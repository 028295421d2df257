/** Stand-ins for what a browser gives its tabs, as far as shareAcrossTabs uses it; everything a tab does goes by its name. */
import { vi } from "vitest";

interface Request {
  readonly callback: () => Promise<void> | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const abortError = () =>
  Object.assign(new Error("the request was aborted, or the lock stolen"), { name: "AbortError" });

/** Web Locks with one holder a name, a queue, `signal` and `steal`. What is granted is granted in a later microtask, as in a browser. */
export class FakeLocks {
  readonly #held = new Map<string, Request>();
  readonly #queues = new Map<string, Request[]>();
  /** What the browser says to every request, where it refuses them. */
  refuse: Error | undefined;
  steals = 0;

  request(
    name: string,
    options: { signal?: AbortSignal; steal?: boolean },
    callback: () => Promise<void> | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.refuse !== undefined) return reject(this.refuse);
      if (options.steal === true && options.signal !== undefined)
        return reject(new Error("signal and steal exclude each other"));
      const request: Request = { callback, resolve, reject };
      if (options.steal === true) {
        this.steals++;
        const robbed = this.#held.get(name);
        this.#held.delete(name);
        this.#grant(name, request);
        robbed?.reject(abortError());
        return;
      }
      this.#queue(name).push(request);
      options.signal?.addEventListener("abort", () => {
        const queue = this.#queue(name);
        const at = queue.indexOf(request);
        if (at < 0) return;
        queue.splice(at, 1);
        reject(abortError());
      });
      void Promise.resolve().then(() => this.#next(name));
    });
  }

  /** How many hold a lock, and how many wait for one. */
  get counts(): { readonly held: number; readonly pending: number } {
    return { held: this.#held.size, pending: [...this.#queues.values()].flat().length };
  }

  #queue(name: string): Request[] {
    let queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, (queue = []));
    return queue;
  }

  #next(name: string): void {
    if (this.#held.has(name)) return;
    const request = this.#queue(name).shift();
    if (request !== undefined) this.#grant(name, request);
  }

  #grant(name: string, request: Request): void {
    this.#held.set(name, request);
    void Promise.resolve()
      .then(() => request.callback())
      .then(() => {
        if (this.#held.get(name) !== request) return; // stolen
        this.#held.delete(name);
        request.resolve();
        this.#next(name);
      });
  }
}

/** A BroadcastChannel within the test, whose messages come in a later microtask, and to one who is suspended when it is back. */
export class FakeChannel extends EventTarget {
  static readonly open = new Set<FakeChannel>();
  static sent: unknown[] = [];
  suspended = false;
  #waiting: unknown[] = [];
  readonly name: string;

  constructor(name: string) {
    super();
    this.name = name;
    FakeChannel.open.add(this);
  }

  postMessage(message: unknown): void {
    if (!FakeChannel.open.has(this)) throw new Error("the channel is closed");
    FakeChannel.sent.push(message);
    for (const other of FakeChannel.open) {
      if (other === this || other.name !== this.name) continue;
      const data: unknown = structuredClone(message);
      void Promise.resolve().then(() => other.#deliver(data));
    }
  }

  close(): void {
    FakeChannel.open.delete(this);
  }

  /** The tab is back: what it was sent comes now. */
  wake(): void {
    this.suspended = false;
    for (const data of this.#waiting.splice(0)) this.#deliver(data);
  }

  #deliver(data: unknown): void {
    if (!FakeChannel.open.has(this)) return;
    if (this.suspended) this.#waiting.push(data);
    else this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
}

/** Gives Node what a browser has; `vi.unstubAllGlobals()` takes it away. */
export function fakeTabs(): FakeLocks {
  const locks = new FakeLocks();
  FakeChannel.open.clear();
  FakeChannel.sent = [];
  vi.stubGlobal("navigator", { locks });
  vi.stubGlobal("BroadcastChannel", FakeChannel);
  return locks;
}

/** Gives Node a page that can be put to sleep: `page.document.dispatchEvent(new Event("freeze"))`, `page.window.…("pagehide")`. */
export function fakePage(): { readonly document: EventTarget; readonly window: EventTarget } {
  const page = { document: new EventTarget(), window: new EventTarget() };
  vi.stubGlobal("document", page.document);
  vi.stubGlobal("addEventListener", page.window.addEventListener.bind(page.window));
  vi.stubGlobal("removeEventListener", page.window.removeEventListener.bind(page.window));
  return page;
}

/** Lets everything that is on its way arrive. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
