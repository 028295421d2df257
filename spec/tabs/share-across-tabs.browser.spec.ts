import { Subject, type Subscription } from "rxjs";
import { afterEach, describe, expect, it } from "vitest";
import { shareAcrossTabs } from "matrix-device-tracker/tabs";

/** Channels and locks are the browser's own. One page is many candidates: what they share goes through the browser all the same. */
describe("shareAcrossTabs in a page of Chromium", () => {
  let subscriptions: Subscription[] = [];
  let frames: HTMLIFrameElement[] = [];
  afterEach(() => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    for (const frame of frames) frame.remove();
    [subscriptions, frames] = [[], []];
  });

  const candidate = (name: string) => {
    const source$ = new Subject<unknown>();
    const said: unknown[] = [];
    const told: string[] = [];
    const subscription = source$
      .pipe(shareAcrossTabs(name, { onUnshared: (message) => told.push(message) }))
      .subscribe({
        next: (value) => said.push(value),
        error: (error: unknown) => said.push(error),
        complete: () => said.push("complete"),
      });
    subscriptions.push(subscription);
    return { source$, said, told, subscription };
  };
  const nothingLeft = (name: string) =>
    expect
      .poll(async () => {
        const { held = [], pending = [] } = await navigator.locks.query();
        return [...held, ...pending].filter((lock) => lock.name?.endsWith(`/${name}`) === true);
      })
      .toEqual([]);

  it("gives what one source emits to several operators of a name, and hands over between them", async () => {
    const name = crypto.randomUUID();
    const [a, b, c] = [candidate(name), candidate(name), candidate(name)];
    await expect.poll(() => a.source$.observed).toBe(true);
    expect([b.source$.observed, c.source$.observed]).toEqual([false, false]);
    a.source$.next({ next_batch: "s1", since: null });
    a.source$.next({ next_batch: "s2", since: "s1" });
    for (const { said } of [a, b, c]) {
      await expect
        .poll(() => said)
        .toEqual([
          { next_batch: "s1", since: null },
          { next_batch: "s2", since: "s1" },
        ]);
    }
    a.subscription.unsubscribe();
    await expect.poll(() => b.source$.observed).toBe(true);
    b.source$.next("s3");
    await expect.poll(() => c.said.at(-1)).toBe("s3");
    b.subscription.unsubscribe();
    c.subscription.unsubscribe();
    await nothingLeft(name);
  });

  it("gives several subscribers of one operator what one source emits", async () => {
    const name = crypto.randomUUID();
    const source$ = new Subject<number>();
    const shared$ = source$.pipe(shareAcrossTabs(name));
    const said: number[][] = [[], []];
    for (const list of said) subscriptions.push(shared$.subscribe((value) => list.push(value)));
    await expect.poll(() => source$.observed).toBe(true);
    source$.next(1);
    await expect.poll(() => said).toEqual([[1], [1]]);
  });

  it("gives one that joins the last value", async () => {
    const name = crypto.randomUUID();
    const a = candidate(name);
    await expect.poll(() => a.source$.observed).toBe(true);
    a.source$.next(1);
    a.source$.next(2);
    const b = candidate(name);
    await expect.poll(() => b.said).toEqual([2]);
    expect(a.said).toEqual([1, 2]);
  });

  it("ends everywhere with the source", async () => {
    const name = crypto.randomUUID();
    const [a, b] = [candidate(name), candidate(name)];
    await expect.poll(() => a.source$.observed).toBe(true);
    a.source$.error(Object.assign(new Error("logged out"), { name: "MatrixError", errcode: "M_UNKNOWN_TOKEN" }));
    await expect
      .poll(() => b.said)
      .toEqual([expect.objectContaining({ name: "MatrixError", message: "logged out", errcode: "M_UNKNOWN_TOKEN" })]);
    await nothingLeft(name);
    expect(b.source$.observed).toBe(false);
  });

  it("ends everywhere with a value that cannot be cloned", async () => {
    const name = crypto.randomUUID();
    const [a, b] = [candidate(name), candidate(name)];
    await expect.poll(() => a.source$.observed).toBe(true);
    a.source$.next(() => undefined);
    for (const { said } of [a, b])
      await expect.poll(() => said).toEqual([expect.objectContaining({ name: "DataCloneError" })]);
    await nothingLeft(name);
  });

  it("takes the lock from one who holds it and says nothing", async () => {
    const name = crypto.randomUUID();
    let robbed: unknown;
    navigator.locks
      .request(`matrix-device-tracker/tabs/${name}`, () => new Promise(() => undefined))
      .catch((error: unknown) => (robbed = error));
    const a = candidate(name);
    await expect.poll(() => a.source$.observed, { timeout: 15_000 }).toBe(true);
    expect(robbed).toMatchObject({ name: "AbortError" });
    a.source$.next(1);
    expect(a.said).toEqual([1]);
  });

  it("shares with a frame of the same origin, and takes over from it when it is removed", async () => {
    const name = crypto.randomUUID();
    const operator = new URL("../../src/tabs/share-across-tabs.ts", import.meta.url).href;
    const frame = document.createElement("iframe");
    frame.srcdoc = `<script type="module">import { shareAcrossTabs } from ${JSON.stringify(operator)}; Object.assign(globalThis, { shareAcrossTabs });</script>`;
    frames.push(frame);
    document.body.append(frame);
    const inFrame = () => (frame.contentWindow as { shareAcrossTabs?: typeof shareAcrossTabs } | null)?.shareAcrossTabs;
    await expect.poll(inFrame, { timeout: 15_000 }).toBeDefined();

    const source$ = new Subject<unknown>();
    const said: unknown[] = [];
    const shared$ = inFrame()?.(name)(source$);
    shared$?.subscribe((value) => said.push(value));
    await expect.poll(() => source$.observed).toBe(true);
    const a = candidate(name);
    source$.next(1);
    await expect.poll(() => a.said).toContain(1);
    expect(said).toEqual([1]);
    frame.remove();
    await expect.poll(() => a.source$.observed).toBe(true);
  });

  it("works alone where the lock is refused, as in a sandboxed frame, and says so", async () => {
    const refusal = new DOMException("no locks for this origin", "SecurityError");
    const request = navigator.locks.request.bind(navigator.locks);
    Object.defineProperty(navigator.locks, "request", { configurable: true, value: () => Promise.reject(refusal) });
    try {
      const a = candidate(crypto.randomUUID());
      await expect.poll(() => a.source$.observed).toBe(true);
      a.source$.next(1);
      expect(a.said).toEqual([1]);
      expect(a.told).toEqual([expect.stringContaining("no locks for this origin")]);
    } finally {
      Object.defineProperty(navigator.locks, "request", { configurable: true, value: request });
    }
  });
});
