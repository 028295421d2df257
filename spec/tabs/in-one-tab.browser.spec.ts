import { Subject, type Subscription } from "rxjs";
import { afterEach, describe, expect, it } from "vitest";
import { inOneTab } from "matrix-device-tracker/tabs";

/** Locks and channels are the browser's own. To them, each use of the operator in one page is like one in a tab. */
describe("inOneTab in a page of Chromium", () => {
  let subscriptions: Subscription[] = [];
  let cleanUps: (() => void)[] = [];
  afterEach(() => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    for (const cleanUp of cleanUps) cleanUp();
    [subscriptions, cleanUps] = [[], []];
  });

  const operatorUrl = new URL("../../src/tabs/in-one-tab.ts", import.meta.url).href;
  const open = (name: string) => {
    const source$ = new Subject<unknown>();
    const emitted: unknown[] = [];
    const reported: string[] = [];
    const subscription = source$.pipe(inOneTab(name, { onUnshared: (message) => reported.push(message) })).subscribe({
      next: (value) => emitted.push(value),
      error: (error: unknown) => emitted.push(error),
      complete: () => emitted.push("complete"),
    });
    subscriptions.push(subscription);
    return { source$, emitted, reported, subscription };
  };
  const subscribed = (...candidates: readonly { readonly source$: Subject<unknown> }[]) =>
    expect.poll(() => candidates.map(({ source$ }) => source$.observed));
  const locksNamed = async (name: string) => {
    const { held = [], pending = [] } = await navigator.locks.query();
    return [held, pending].map((locks) => locks.filter((lock) => lock.name === name).length);
  };

  it("subscribes to one source at a time, for its own subscriber only", async () => {
    const name = crypto.randomUUID();
    const [a, b, c] = [open(name), open(name), open(name)];
    await subscribed(a, b, c).toEqual([true, false, false]);
    await expect.poll(() => locksNamed(name)).toEqual([1, 2]);
    a.source$.next("s1");
    a.subscription.unsubscribe();
    await subscribed(a, b, c).toEqual([false, true, false]);
    b.source$.next("s2");
    b.source$.complete();
    await subscribed(a, b, c).toEqual([false, false, true]);
    c.source$.error(new Error("refused"));
    await expect.poll(() => locksNamed(name)).toEqual([0, 0]);
    expect([a, b, c].map(({ emitted }) => emitted)).toEqual([["s1"], ["s2", "complete"], [new Error("refused")]]);
  });

  it("takes the lock from a holder that does not answer", async () => {
    const name = crypto.randomUUID();
    const robbed = new Promise((_, reject) => {
      navigator.locks.request(name, () => new Promise(() => undefined)).catch(reject);
    });
    const loses = expect(robbed).rejects.toMatchObject({ name: "AbortError" });
    const a = open(name);
    await expect.poll(() => a.source$.observed, { timeout: 15_000 }).toBe(true);
    await loses;
  });

  it("unsubscribes when its lock is stolen, and queues again", async () => {
    const name = crypto.randomUUID();
    const a = open(name);
    await subscribed(a).toEqual([true]);
    let release = () => {};
    const stolen = navigator.locks.request(
      name,
      { steal: true },
      () => new Promise<void>((resolve) => (release = resolve)),
    );
    await subscribed(a).toEqual([false]);
    release();
    await stolen;
    await subscribed(a).toEqual([true]);
  });

  it("competes with a frame of the same origin, and takes over when it is removed", async () => {
    const name = crypto.randomUUID();
    const frame = document.createElement("iframe");
    frame.srcdoc = `<script type="module">
      import { inOneTab } from ${JSON.stringify(operatorUrl)};
      Object.assign(globalThis, { inOneTab });
    </script>`;
    cleanUps.push(() => frame.remove());
    document.body.append(frame);
    const inFrame = () => (frame.contentWindow as { inOneTab?: typeof inOneTab } | null)?.inOneTab;
    await expect.poll(inFrame, { timeout: 15_000 }).toBeDefined();

    const framed = { source$: new Subject<unknown>() };
    inFrame()?.(name)(framed.source$).subscribe();
    await subscribed(framed).toEqual([true]);
    const a = open(name);
    await expect.poll(() => locksNamed(name)).toEqual([1, 1]);
    frame.remove();
    await subscribed(framed, a).toEqual([false, true]);
  });

  it("competes with a worker, and takes over when it is terminated", async () => {
    const name = crypto.randomUUID();
    const worker = new Worker(new URL("tab-worker.ts", import.meta.url), { type: "module", name });
    cleanUps.push(() => worker.terminate());
    await new Promise((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = reject;
    });
    const a = open(name);
    await expect.poll(() => locksNamed(name)).toEqual([1, 1]);
    expect(a.source$.observed).toBe(false);
    worker.terminate();
    await subscribed(a).toEqual([true]);
  });

  it("subscribes if the browser refuses the lock, and reports why", async () => {
    const refusal = new DOMException("no locks for this origin", "SecurityError");
    Object.defineProperty(navigator.locks, "request", { configurable: true, value: () => Promise.reject(refusal) });
    cleanUps.push(() => Reflect.deleteProperty(navigator.locks, "request"));
    const a = open(crypto.randomUUID());
    await subscribed(a).toEqual([true]);
    expect(a.reported).toEqual([expect.stringContaining("no locks for this origin")]);
  });
});
