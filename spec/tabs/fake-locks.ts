/** What a lock must know of its tab: how to run something there, which may be frozen. */
interface LockTab {
  readonly task: (run: () => void) => void;
}

interface LockRequest {
  readonly tab: LockTab;
  readonly name: string;
  readonly callback: () => Promise<void> | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const abortError = () => Object.assign(new Error("aborted, or the lock was stolen"), { name: "AbortError" });

/** Web Locks in exclusive mode, with a queue, `signal` and `steal`. A grant takes at least a microtask. */
export class FakeLocks {
  readonly #held = new Map<string, LockRequest>();
  #queue: LockRequest[] = [];
  /** What every request fails with, if set. */
  refusal: Error | undefined;
  steals = 0;

  /** `navigator.locks` of a tab. */
  of(tab: LockTab): LockManager {
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
  drop(tab: LockTab): void {
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
