import { Observable, of, type Subscriber } from "rxjs";
import type { SignatureCheck, SignatureVerifier } from "../trust/signature-verifier.js";
import type { Engine } from "./engine.js";

/** How many verifications one slice starts at most: their results must be processed as well. */
export const SLICE_CHECKS = 64;
/**
 * How many slices start before the first one's verifications have ended: enough to keep WebCrypto's threads busy, if it
 * has any (Node, Firefox).
 */
export const SLICES_AHEAD = 8;
/**
 * How long a slice starts verifications, in ms: half of the 16 ms between two frames, because the results must be
 * processed as well. A slice starts at least one. Chromium verifies on the calling thread before `verify` returns, as
 * JavaScript does.
 */
export const SLICE_TIME = 8;

/** How long to wait for a verification before starting over, in ms: doubled each time, until one ends. */
export const PATIENCE = 10_000;

export interface Slicing {
  /**
   * Loads the engine. Called when verification starts after a pause.
   * @param isStuck true if loading it has not finished
   */
  readonly engine: (isStuck: boolean) => Promise<Engine>;
  /** Resolves in a new task. */
  readonly nextTask: () => Promise<void>;
  /** Any clock, in ms. */
  readonly now: () => number;
  /** Calls back after this many ms. Returns a function that cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

interface Job {
  readonly subscriber: Subscriber<readonly boolean[]>;
  readonly checks: readonly SignatureCheck[];
  /** Imported keys by their bytes. Many signatures of a call are by the same key. */
  readonly keys: Map<string, unknown>;
  results: boolean[];
  started: number;
  done: number;
}

/**
 * A verifier that never blocks the page: it works in slices, each in a task of its own.
 *
 * All calls share the slices and take turns check by check, so that a call for one user does not wait for a call for a
 * thousand, and concurrent calls do not add up to a long task. Unsubscribing removes a call's checks; results of those
 * already started are dropped.
 *
 * A platform can drop requests, such as those of a page that was frozen or in the back/forward cache. So if no result
 * comes for a while, or if a call that may have waited too long is unsubscribed, verification starts over.
 */
export class SlicedVerifier implements SignatureVerifier {
  readonly #open = new Set<Job>();
  /** Calls with checks left to start, in the order of their turns; some may already be over. */
  #turns: Job[] = [];
  readonly #slicing: Slicing;
  /** The loop that makes the slices. Another one replaces it if it may be stuck. */
  #loop: object | undefined;
  #isLoading = false;
  #patience = PATIENCE;
  #verified = 0;
  #cancelWatch: (() => void) | undefined;

  constructor(slicing: Slicing) {
    this.#slicing = slicing;
  }

  verify(checks: readonly SignatureCheck[]): Observable<readonly boolean[]> {
    if (checks.length === 0) return of([]);
    return new Observable((subscriber) => {
      const job: Job = { subscriber, checks, keys: new Map(), results: [], started: 0, done: 0 };
      this.#open.add(job);
      this.#turns.push(job);
      if (this.#cancelWatch === undefined) this.#watch();
      if (this.#loop === undefined) void this.#run();
      return () => {
        if (!this.#end(job)) return;
        this.#turns = this.#turns.filter((other) => other !== job);
        this.#loop = undefined;
        if (this.#turns.length > 0) void this.#run();
      };
    });
  }

  /** Starts over if no verification ends: requests may have been dropped. */
  #watch(): void {
    const verified = this.#verified;
    this.#cancelWatch = this.#slicing.after(this.#patience, () => {
      if (this.#verified !== verified) {
        this.#patience = PATIENCE;
        this.#watch();
        return;
      }
      this.#patience *= 2;
      for (const job of this.#open) {
        Object.assign(job, { results: [], started: 0, done: 0 });
        job.keys.clear();
      }
      this.#turns = [...this.#open];
      this.#watch();
      void this.#run();
    });
  }

  /** Ends a call. Returns false if it was already over. */
  #end(job: Job): boolean {
    if (!this.#open.delete(job)) return false;
    if (this.#open.size === 0) this.#stopWatch();
    return true;
  }

  #stopWatch(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = undefined;
  }

  async #run(): Promise<void> {
    const loop = {};
    this.#loop = loop;
    try {
      const isStuck = this.#isLoading;
      this.#isLoading = true;
      const engine = await this.#slicing.engine(isStuck);
      this.#isLoading = false;
      const slices: (readonly Promise<void>[])[] = []; // with verifications that may not have ended, oldest first
      while (this.#loop === loop && this.#turns.length > 0) {
        await this.#slicing.nextTask();
        if (!this.#isCurrent(loop)) break;
        slices.push(await this.#slice(engine));
        if (slices.length > SLICES_AHEAD) await Promise.all(slices.shift() ?? []);
      }
      if (this.#loop === loop) this.#loop = undefined;
    } catch (error) {
      this.#isLoading = false;
      if (this.#loop !== loop) return;
      this.#loop = undefined; // before emitting errors: a subscriber may call verify() again
      const failed = [...this.#open];
      this.#stopWatch();
      this.#open.clear();
      this.#turns = [];
      for (const { subscriber } of failed) subscriber.error(error);
    }
  }

  /** Another loop may have taken over in the meantime. */
  #isCurrent(loop: object): boolean {
    return this.#loop === loop;
  }

  async #slice(engine: Engine): Promise<readonly Promise<void>[]> {
    const until = this.#slicing.now() + SLICE_TIME;
    const verifications: Promise<void>[] = [];
    do {
      const job = this.#turns.shift();
      if (job === undefined) break;
      const index = job.started++;
      const check = job.checks[index];
      if (check === undefined) continue;
      const { results } = job;
      const key = await keyOf(job, check.publicKey, engine);
      if (job.subscriber.closed || job.results !== results) continue; // verification has started over in the meantime
      verifications.push(this.#settle(job, index, key === undefined ? false : engine.verify(key, check)));
      if (job.started >= job.checks.length) continue;
      this.#turns.push(job);
      if (this.#loop === undefined) void this.#run(); // unsubscribing another call stopped the loop
    } while (verifications.length < SLICE_CHECKS && this.#slicing.now() < until);
    return verifications;
  }

  async #settle(job: Job, index: number, result: boolean | Promise<boolean>): Promise<void> {
    const { results } = job;
    let isValid: boolean;
    try {
      isValid = await result;
    } catch (error) {
      if (job.results === results && this.#end(job)) job.subscriber.error(error);
      return;
    }
    if (job.results !== results) return; // verification has started over
    results[index] = isValid;
    this.#verified++;
    if (++job.done < job.checks.length) return;
    this.#end(job);
    job.subscriber.next(job.results);
    job.subscriber.complete();
  }
}

async function keyOf({ keys }: Job, publicKey: Uint8Array, engine: Engine): Promise<unknown> {
  const name = String.fromCharCode.apply(undefined, publicKey as unknown as number[]); // spreading takes longer
  if (keys.has(name)) return keys.get(name);
  const key: unknown = await engine.importKey(publicKey);
  keys.set(name, key);
  return key;
}
