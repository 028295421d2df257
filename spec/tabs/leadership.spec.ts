import { Subject, type Subscription } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { leadership } from "../../src/tabs/leadership.js";
import { FakeBrowser, settled } from "./fake-tabs.js";

describe("leadership", () => {
  let browser: FakeBrowser;
  let subscriptions: Subscription[];
  beforeEach(() => {
    browser = new FakeBrowser();
    subscriptions = [];
  });
  afterEach(() => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    vi.unstubAllGlobals();
  });

  const candidate = () => {
    const depose$ = new Subject<void>();
    const emitted: unknown[] = [];
    const subscription = leadership(browser.locks.of(browser.tab()), "lock", depose$).subscribe({
      next: (leads) => emitted.push(leads),
      error: (error: unknown) => emitted.push(error),
    });
    subscriptions.push(subscription);
    return { emitted, depose: () => depose$.next(), unsubscribe: () => subscription.unsubscribe() };
  };

  it("is granted to the first, and to the next when that one unsubscribes", async () => {
    const [a, b] = [candidate(), candidate()];
    expect(a.emitted).toEqual([false]);
    await settled();
    expect([a.emitted, b.emitted]).toEqual([[false, true], [false]]);
    a.unsubscribe();
    await settled();
    expect(b.emitted).toEqual([false, true]);
    b.unsubscribe();
    await settled();
    expect(browser.locks.counts).toEqual({ held: 0, queued: 0 });
  });

  it("queues again after its lock was stolen", async () => {
    const [a, b] = [candidate(), candidate()];
    await settled();
    b.depose();
    await settled();
    expect([a.emitted, b.emitted]).toEqual([
      [false, true, false],
      [false, true],
    ]);
    expect(browser.locks.counts).toEqual({ held: 1, queued: 1 }); // the thief has left the queue
    b.unsubscribe();
    await settled();
    expect(a.emitted).toEqual([false, true, false, true]);
  });

  it("goes to one of two that steal it at the same time, and the other queues", async () => {
    const [a, b, c] = [candidate(), candidate(), candidate()];
    await settled();
    b.depose();
    c.depose();
    await settled();
    expect([a, b, c].map(({ emitted }) => emitted.at(-1))).toEqual([false, false, true]);
    expect(browser.locks.counts).toEqual({ held: 1, queued: 2 });
  });

  it("releases a lock that is granted after unsubscribing", async () => {
    const [a, b] = [candidate(), candidate()];
    await Promise.resolve(); // the lock has been granted to a, whose callback has not run yet
    a.unsubscribe();
    await settled();
    expect([a.emitted, b.emitted]).toEqual([[false], [false, true]]);
  });

  it("fails if the browser refuses the lock", async () => {
    browser.locks.refusal = new Error("not in this frame");
    const { emitted } = candidate();
    await settled();
    expect(emitted).toEqual([false, browser.locks.refusal]);
  });
});
