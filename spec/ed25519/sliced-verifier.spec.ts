import { catchError, lastValueFrom, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/ed25519/engine.js";
import { PATIENCE, SLICE_CHECKS, SLICE_TIME, SLICES_AHEAD, SlicedVerifier } from "../../src/ed25519/sliced-verifier.js";
import type { SignatureCheck } from "../../src/trust/signature-verifier.js";

/** A check with the key of this number, valid if the message is odd. */
const check = (key: number, message = 1): SignatureCheck => ({
  publicKey: new Uint8Array(32).fill(key),
  message: new Uint8Array([message]),
  signature: new Uint8Array(64),
});
const checks = (count: number, key = 1): readonly SignatureCheck[] =>
  Array.from({ length: count }, (_, i) => check(key, i % 2));

/** A page that runs tasks one by one, with an engine that verifies on the page's thread, in `costs` ms. */
class Page {
  time = 0;
  /** Keys of the verifications started in each slice. */
  readonly slices: number[][] = [];
  readonly imported: number[] = [];
  engines = 0;
  broken: Error | undefined;
  /** Whether loading the engine never ends. */
  losesEngine = false;
  /** For each engine, whether the one before is known to be stuck. */
  readonly stuck: boolean[] = [];
  /** Called when a key is imported. */
  onImport = () => {};
  #resume: (() => void) | undefined;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  constructor(
    readonly costs = 0.1,
    readonly verify: Engine["verify"] = (_, { message }) => message[0] === 1,
  ) {}

  readonly verifier = new SlicedVerifier({
    now: () => this.time,
    after: (ms, callback) => {
      const timer = { at: this.time + ms, callback };
      this.#timers.add(timer);
      return () => this.#timers.delete(timer);
    },
    nextTask: () => new Promise<void>((resolve) => (this.#resume = resolve)),
    engine: async (isStuck) => {
      this.engines++;
      this.stuck.push(isStuck);
      if (this.losesEngine) await new Promise(() => {});
      if (this.broken !== undefined) throw this.broken;
      return {
        importKey: (publicKey) => {
          this.imported.push(publicKey[0]!);
          this.onImport();
          return publicKey[0] === 0 ? undefined : publicKey[0];
        },
        verify: (key, checked) => {
          this.slices.at(-1)!.push(key as number);
          this.time += this.costs;
          return this.verify(key, checked);
        },
      };
    },
  });

  /** Waits until everything else waits for the next task. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Runs a task of the verifier to its end; `false` if it has not requested one. */
  async task(): Promise<boolean> {
    await this.settle();
    const resume = this.#resume;
    if (resume === undefined) return false;
    this.#resume = undefined;
    this.slices.push([]);
    resume();
    await this.settle();
    return true;
  }

  /** Drops the task that the verifier has requested. */
  async loseTask(): Promise<void> {
    await this.settle();
    this.#resume = undefined;
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** So much time passes in which the verifier gets no task. */
  async pass(ms: number): Promise<void> {
    this.time += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.time)) {
      this.#timers.delete(timer);
      timer.callback();
    }
    await this.settle();
  }

  async tasks(): Promise<void> {
    while (await this.task());
  }

  /** Calls `verify` and records its notifications. */
  call(requested: readonly SignatureCheck[]) {
    const seen: unknown[] = [];
    const subscription = this.verifier.verify(requested).subscribe({
      next: (results) => seen.push(results),
      error: (error: unknown) => seen.push({ error }),
      complete: () => seen.push("done"),
    });
    return { seen, subscription };
  }

  get sizes(): readonly number[] {
    return this.slices.map((slice) => slice.length);
  }
}

describe("SlicedVerifier", () => {
  it("starts at most 64 verifications in a task, and none in the caller's task", async () => {
    const page = new Page(0.01);
    const { seen } = page.call(checks(150));
    await page.settle();
    expect(page.slices).toEqual([]);
    await page.tasks();
    expect(page.sizes).toEqual([SLICE_CHECKS, SLICE_CHECKS, 150 - 2 * SLICE_CHECKS]);
    expect(seen).toEqual([checks(150).map((_, i) => i % 2 === 1), "done"]);
  });

  it("starts none after 8 ms, including the time that starting takes", async () => {
    const page = new Page(1.5);
    page.call(checks(20));
    await page.tasks();
    expect(page.sizes).toEqual([6, 6, 6, 2]); // the sixth starts at 7.5 ms
    expect(SLICE_TIME).toBe(8);
  });

  it("starts at least one in a task, however long it takes", async () => {
    const page = new Page(50);
    page.call(checks(3));
    await page.tasks();
    expect(page.sizes).toEqual([1, 1, 1]);
  });

  it("shares the slices between all calls, check by check", async () => {
    const page = new Page(0.01);
    const large = page.call(checks(200, 1));
    await page.task();
    const small = page.call(checks(2, 2));
    const calls = Array.from({ length: 100 }, (_, i) => page.call([check(3 + i)]));
    await page.task();
    expect(page.slices[1]?.slice(0, 4)).toEqual([1, 2, 3, 4]);
    await page.task();
    expect(small.seen).toEqual([[false, true], "done"]);
    expect(large.seen).toEqual([]);
    await page.tasks();
    expect(page.sizes).toEqual([64, 64, 64, 64, 302 - 4 * 64]);
    expect(calls.map(({ seen }) => seen)).toEqual(calls.map(() => [[true], "done"]));
  });

  it("waits for a new task if called again from a result", async () => {
    const page = new Page(1);
    let emitted = 0;
    const again = () => {
      page.verifier.verify(checks(5)).subscribe(() => {
        if (++emitted < 4) again();
      });
    };
    again();
    for (let n = 1; n <= 4; n++) {
      await page.task();
      expect([emitted, page.sizes.at(-1)]).toEqual([n, 5]);
    }
    void lastValueFrom(page.verifier.verify(checks(5))).then(() => page.call(checks(5))); // also from a promise, once it is idle
    await page.task();
    expect(page.sizes).toEqual([5, 5, 5, 5, 5]);
    await page.tasks();
    expect(page.sizes).toEqual([5, 5, 5, 5, 5, 5]);
  });

  it("starts no more checks of a call that unsubscribes, and continues with others", async () => {
    const page = new Page(0.01);
    const gone = page.call(checks(1_000, 1));
    const other = page.call(checks(100, 2));
    await page.task();
    gone.subscription.unsubscribe();
    await page.tasks();
    expect(page.slices.flat().filter((key) => key === 1).length).toBe(SLICE_CHECKS / 2);
    expect([gone.seen, other.seen.length]).toEqual([[], 2]);

    const alone = page.call(checks(10, 3));
    await page.settle();
    alone.subscription.unsubscribe();
    await page.tasks();
    expect([page.slices.at(-1), page.imported]).toEqual([[], [1, 2]]);
  });

  it("starts no check of a call that unsubscribes while its key is imported", async () => {
    const page = new Page();
    const { subscription } = page.call(checks(2));
    page.onImport = () => subscription.unsubscribe();
    await page.tasks();
    expect([page.imported, page.slices]).toEqual([[1], [[]]]);
  });

  it("imports each key once per call", async () => {
    const page = new Page();
    page.call([check(1), check(2), check(1), check(0), check(0), check(2)]);
    await page.tasks();
    expect(page.imported).toEqual([1, 2, 0]);
    page.call([check(1)]);
    await page.tasks();
    expect(page.imported).toEqual([1, 2, 0, 1]);
  });

  it("fails signatures by an invalid key without verifying them", async () => {
    const page = new Page();
    const { seen } = page.call([check(0), check(1), check(0)]);
    await page.tasks();
    expect([seen, page.slices.flat()]).toEqual([[[false, true, false], "done"], [1]]);
  });

  it("emits all results in the order of the checks once all are done", async () => {
    const waiting: ((valid: boolean) => void)[] = [];
    const page = new Page(0.01, () => new Promise((resolve) => waiting.push(resolve)));
    const { seen } = page.call(checks(3));
    await page.task();
    waiting[2]?.(true);
    waiting[0]?.(false);
    await page.settle();
    expect(seen).toEqual([]);
    waiting[1]?.(true);
    await page.settle();
    expect(seen).toEqual([[false, true, true], "done"]);
  });

  it("starts nine slices before all verifications of the first one have ended", async () => {
    const waiting: ((valid: boolean) => void)[] = [];
    const page = new Page(0.01, () => new Promise((resolve) => waiting.push(resolve)));
    page.call(checks(1_000));
    await page.tasks();
    expect(page.sizes).toEqual(Array.from({ length: SLICES_AHEAD + 1 }, () => SLICE_CHECKS));
    for (const resolve of waiting.splice(1, SLICE_CHECKS)) resolve(true);
    expect(await page.task()).toBe(false);
    waiting[0]?.(true);
    await page.tasks();
    expect(page.slices.length).toBe(SLICES_AHEAD + 2);
  });

  it("goes on with a call whose key is being imported while another one is unsubscribed", async () => {
    const page = new Page();
    const gone = page.call(checks(2, 1));
    const { seen } = page.call(checks(2, 2));
    page.onImport = () => {
      if (page.imported.at(-1) === 2) gone.subscription.unsubscribe();
    };
    await page.tasks();
    expect(seen).toEqual([[false, true], "done"]);
  });

  it("fails a call of which a verification rejects", async () => {
    const page = new Page(0.1, () => Promise.reject(new Error("no engine")));
    const { seen } = page.call(checks(1));
    await page.tasks();
    expect(seen).toEqual([{ error: new Error("no engine") }]);
  });

  it("drops the import of a key that ends after all was begun anew", async () => {
    const page = new Page();
    const { seen } = page.call(checks(3));
    page.onImport = () => {
      page.onImport = () => {};
      void page.pass(PATIENCE);
    };
    await page.tasks();
    expect(seen).toEqual([[false, true, false], "done"]);
  });

  it("needs no engine without checks or without a subscriber", () => {
    const page = new Page();
    page.verifier.verify(checks(5));
    expect([page.call([]).seen, page.engines]).toEqual([[[], "done"], 0]);
  });

  it("fails all calls if the engine cannot be loaded, and loads it again on the next", async () => {
    const page = new Page();
    page.broken = new Error("offline");
    const first = page.call(checks(2));
    const retried: unknown[] = [];
    const again = (): Observable<readonly boolean[]> => {
      page.broken = undefined;
      return page.verifier.verify([check(1)]);
    };
    page.verifier
      .verify([check(1)])
      .pipe(catchError(again))
      .subscribe((results) => retried.push(results));
    await page.tasks();
    expect([first.seen, retried, page.engines]).toEqual([[{ error: new Error("offline") }], [[true]], 2]);
  });

  it("fails instead of hanging if an engine throws", async () => {
    const page = new Page(0.01, () => {
      throw new Error("broken");
    });
    const calls = [page.call(checks(3)), page.call(checks(1))];
    await page.tasks();
    expect(calls.map(({ seen }) => seen)).toEqual([[{ error: new Error("broken") }], [{ error: new Error("broken") }]]);
  });

  it("answers a later call although the page has dropped a task", async () => {
    const page = new Page();
    const { subscription } = page.call(checks(2));
    await page.loseTask();
    subscription.unsubscribe(); // it has waited too long
    const { seen } = page.call(checks(2));
    await page.tasks();
    expect(seen).toEqual([[false, true], "done"]);
  });

  it("goes on with another call that waits for a task that was dropped", async () => {
    const page = new Page();
    const { subscription } = page.call(checks(1));
    const { seen } = page.call(checks(2));
    await page.loseTask();
    subscription.unsubscribe();
    await page.tasks();
    expect(seen).toEqual([[false, true], "done"]);
  });

  it("begins anew if nothing comes for 10 s, 20 s and so on", async () => {
    const page = new Page();
    const { seen } = page.call(checks(2));
    await page.loseTask();
    await page.pass(PATIENCE);
    await page.loseTask();
    await page.pass(2 * PATIENCE - 1);
    expect(await page.task()).toBe(false);
    await page.pass(1);
    await page.tasks();
    expect([seen, page.timers]).toEqual([[[false, true], "done"], 0]);
  });

  it("begins anew a call of which some verifications never end", async () => {
    let isStuck = true;
    const page = new Page(0.1, (_, { message }) => (isStuck ? new Promise<never>(() => {}) : message[0] === 1));
    const { seen } = page.call(checks(3));
    await page.tasks();
    isStuck = false;
    await page.pass(PATIENCE);
    await page.tasks();
    expect([seen, page.timers]).toEqual([[[false, true, false], "done"], 0]);
  });

  it("keeps no timer for a call that is unsubscribed, or fails", async () => {
    const page = new Page();
    page.call(checks(1)).subscription.unsubscribe();
    page.broken = new Error("no engine");
    page.call(checks(1));
    await page.tasks();
    expect(page.timers).toBe(0);
  });

  it("answers a later call although a verification never ended", async () => {
    let isStuck = true;
    const page = new Page(0.1, (_, { message }) => (isStuck ? new Promise<never>(() => {}) : message[0] === 1));
    const { subscription } = page.call(checks(1));
    await page.tasks();
    subscription.unsubscribe();
    isStuck = false;
    const { seen } = page.call(checks(2));
    await page.tasks();
    expect(seen).toEqual([[false, true], "done"]);
  });

  it("loads the engine again if that never ended", async () => {
    const page = new Page();
    page.losesEngine = true;
    const { subscription } = page.call(checks(1));
    await page.settle();
    subscription.unsubscribe();
    page.losesEngine = false;
    const { seen } = page.call(checks(2));
    await page.tasks();
    expect(seen).toEqual([[false, true], "done"]);
    expect(page.stuck).toEqual([false, true]);
  });

  it("is cold: each subscription verifies again", async () => {
    const page = new Page();
    const twice$ = page.verifier.verify(checks(2));
    const seen: unknown[] = [];
    twice$.subscribe((results) => seen.push(results));
    twice$.subscribe((results) => seen.push(results));
    await page.tasks();
    expect([seen.length, page.slices.flat().length]).toEqual([2, 4]);
  });
});
