import { catchError, lastValueFrom, type Observable } from "rxjs";
import { describe, expect, it } from "vitest";
import type { Engine } from "../../src/ed25519/engine.js";
import { inSlices, SLICE_CHECKS, SLICE_TIME } from "../../src/ed25519/in-slices.js";
import type { SignatureCheck } from "../../src/trust/signature-verifier.js";

/** A check by the key with this number; it holds where the message is odd. */
const check = (key: number, message = 1): SignatureCheck => ({
  publicKey: new Uint8Array(32).fill(key),
  message: new Uint8Array([message]),
  signature: new Uint8Array(64),
});
const checks = (count: number, key = 1): readonly SignatureCheck[] =>
  Array.from({ length: count }, (_, i) => check(key, i % 2));

/** A page whose tasks are given one by one, with an engine that takes `costs` ms for a verification, on the page's thread. */
class Page {
  time = 0;
  /** Keys of the verifications begun in each slice. */
  readonly slices: number[][] = [];
  readonly imported: number[] = [];
  engines = 0;
  broken: Error | undefined;
  #resume: (() => void) | undefined;

  constructor(
    readonly costs = 0.1,
    readonly verify: Engine["verify"] = (_, { message }) => message[0] === 1,
  ) {}

  readonly verifier = inSlices({
    now: () => this.time,
    nextTask: () => new Promise<void>((resolve) => (this.#resume = resolve)),
    engine: async () => {
      this.engines++;
      if (this.broken !== undefined) throw this.broken;
      return {
        importKey: (publicKey) => {
          this.imported.push(publicKey[0]!);
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

  /** Until nothing goes on but in the page's next task. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Gives the verifier a task, and waits until that is over; false where it does not want one. */
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

  async tasks(): Promise<void> {
    while (await this.task());
  }

  /** What the call says, as it says it. */
  call(asked: readonly SignatureCheck[]) {
    const said: unknown[] = [];
    const subscription = this.verifier
      .verify(asked)
      .subscribe({
        next: (holds) => said.push(holds),
        error: (error: unknown) => said.push({ error }),
        complete: () => said.push("done"),
      });
    return { said, subscription };
  }

  get sizes(): readonly number[] {
    return this.slices.map((slice) => slice.length);
  }
}

describe("verifying in slices", () => {
  it("begins 64 verifications in a task at the most, and none in the caller's", async () => {
    const page = new Page(0.01);
    const { said } = page.call(checks(150));
    await page.settle();
    expect(page.slices).toEqual([]);
    await page.tasks();
    expect(page.sizes).toEqual([SLICE_CHECKS, SLICE_CHECKS, 150 - 2 * SLICE_CHECKS]);
    expect(said).toEqual([checks(150).map((_, i) => i % 2 === 1), "done"]);
  });

  it("begins none after 8 ms, counting what it takes to begin them", async () => {
    const page = new Page(1.5);
    page.call(checks(20));
    await page.tasks();
    expect(page.sizes).toEqual([6, 6, 6, 2]); // the sixth begins at 7.5 ms
    expect(SLICE_TIME).toBe(8);
  });

  it("does one at least, however long that takes", async () => {
    const page = new Page(50);
    page.call(checks(3));
    await page.tasks();
    expect(page.sizes).toEqual([1, 1, 1]);
  });

  it("shares the slices between calls, check by check: many calls at once make none longer, and a small one does not wait for a large one", async () => {
    const page = new Page(0.01);
    const large = page.call(checks(200, 1));
    await page.task();
    const small = page.call(checks(2, 2));
    const calls = Array.from({ length: 100 }, (_, i) => page.call([check(3 + i)]));
    await page.task();
    expect(page.slices[1]?.slice(0, 4)).toEqual([1, 2, 3, 4]);
    await page.task();
    expect(small.said).toEqual([[false, true], "done"]);
    expect(large.said).toEqual([]);
    await page.tasks();
    expect(page.sizes).toEqual([64, 64, 64, 64, 302 - 4 * 64]);
    expect(calls.map(({ said }) => said)).toEqual(calls.map(() => [[true], "done"]));
  });

  it("waits for a task of its own also when it is called again as soon as it has answered", async () => {
    const page = new Page(1);
    let answered = 0;
    const again = () => {
      page.verifier.verify(checks(5)).subscribe(() => {
        if (++answered < 4) again();
      });
    };
    again();
    for (let n = 1; n <= 4; n++) {
      await page.task();
      expect([answered, page.sizes.at(-1)]).toEqual([n, 5]);
    }
    void lastValueFrom(page.verifier.verify(checks(5))).then(() => page.call(checks(5))); // from a promise, too, when it has come to rest
    await page.task();
    expect(page.sizes).toEqual([5, 5, 5, 5, 5]);
    await page.tasks();
    expect(page.sizes).toEqual([5, 5, 5, 5, 5, 5]);
  });

  it("begins nothing more for whoever unsubscribes, and goes on for the others", async () => {
    const page = new Page(0.01);
    const gone = page.call(checks(1_000, 1));
    const other = page.call(checks(100, 2));
    await page.task();
    gone.subscription.unsubscribe();
    await page.tasks();
    expect(page.slices.flat().filter((key) => key === 1).length).toBe(SLICE_CHECKS / 2);
    expect([gone.said, other.said.length]).toEqual([[], 2]);

    const alone = page.call(checks(10, 3));
    await page.settle();
    alone.subscription.unsubscribe();
    await page.tasks();
    expect([page.slices.at(-1), page.imported]).toEqual([[], [1, 2]]);
  });

  it("imports a key once for each call", async () => {
    const page = new Page();
    page.call([check(1), check(2), check(1), check(0), check(0), check(2)]);
    await page.tasks();
    expect(page.imported).toEqual([1, 2, 0]);
    page.call([check(1)]);
    await page.tasks();
    expect(page.imported).toEqual([1, 2, 0, 1]);
  });

  it("says no to signatures by what is no key, without verifying them", async () => {
    const page = new Page();
    const { said } = page.call([check(0), check(1), check(0)]);
    await page.tasks();
    expect([said, page.slices.flat()]).toEqual([[[false, true, false], "done"], [1]]);
  });

  it("answers in the order of the checks, in whatever order they are done, once all are", async () => {
    const waiting: ((holds: boolean) => void)[] = [];
    const page = new Page(0.01, () => new Promise((resolve) => waiting.push(resolve)));
    const { said } = page.call(checks(3));
    await page.task();
    waiting[2]?.(true);
    waiting[0]?.(false);
    await page.settle();
    expect(said).toEqual([]);
    waiting[1]?.(true);
    await page.settle();
    expect(said).toEqual([[false, true, true], "done"]);
  });

  it("has no more than 64 under way at once", async () => {
    const waiting: ((holds: boolean) => void)[] = [];
    const page = new Page(0.01, () => new Promise((resolve) => waiting.push(resolve)));
    page.call(checks(100));
    await page.task();
    expect(await page.task()).toBe(false);
    for (const resolve of waiting.splice(0, 63)) resolve(true);
    expect(await page.task()).toBe(false);
    waiting.splice(0, 1)[0]?.(true);
    expect([await page.task(), page.sizes]).toEqual([true, [64, 36]]);
  });

  it("of nothing to check says so at once, and needs no engine; nor does whoever does not subscribe", () => {
    const page = new Page();
    page.verifier.verify(checks(5));
    expect([page.call([]).said, page.engines]).toEqual([[[], "done"], 0]);
  });

  it("tells every call where the engine cannot be had, and asks for it again at the next, also from inside of that", async () => {
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
      .subscribe((holds) => retried.push(holds));
    await page.tasks();
    expect([first.said, retried, page.engines]).toEqual([[{ error: new Error("offline") }], [[true]], 2]);
  });

  it("fails, and does not hang, where an engine throws against its word", async () => {
    const page = new Page(0.01, () => {
      throw new Error("broken");
    });
    const calls = [page.call(checks(3)), page.call(checks(1))];
    await page.tasks();
    expect(calls.map(({ said }) => said)).toEqual([[{ error: new Error("broken") }], [{ error: new Error("broken") }]]);
  });

  it("is a cold stream: each subscription is a call", async () => {
    const page = new Page();
    const twice$ = page.verifier.verify(checks(2));
    const said: unknown[] = [];
    twice$.subscribe((holds) => said.push(holds));
    twice$.subscribe((holds) => said.push(holds));
    await page.tasks();
    expect([said.length, page.slices.flat().length]).toEqual([2, 4]);
  });
});
