import { Subject, type Subscription } from "rxjs";
import { afterEach, describe, expect, it } from "vitest";
import { leadership } from "../../src/tabs/leadership.js";
import { FakeLocks, settled } from "./fake-tabs.js";

describe("leadership", () => {
  let subscriptions: Subscription[] = [];
  afterEach(() => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    subscriptions = [];
  });

  const stand = (locks: FakeLocks) => {
    const depose$ = new Subject<void>();
    const said: unknown[] = [];
    const subscription = leadership(locks as unknown as LockManager, "lock", depose$).subscribe({
      next: (leads) => said.push(leads),
      error: (error: unknown) => said.push(error),
    });
    subscriptions.push(subscription);
    return { said, depose: () => depose$.next(), leave: () => subscription.unsubscribe() };
  };

  it("is first not ours, then the first's, and the next's when that one leaves", async () => {
    const locks = new FakeLocks();
    const [a, b] = [stand(locks), stand(locks)];
    expect(a.said).toEqual([false]);
    await settled();
    expect([a.said, b.said]).toEqual([[false, true], [false]]);
    a.leave();
    await settled();
    expect(b.said).toEqual([false, true]);
    b.leave();
    await settled();
    expect(locks.counts).toEqual({ held: 0, pending: 0 });
  });

  it("can be taken; one from whom it is taken is told and stands in the queue again", async () => {
    const locks = new FakeLocks();
    const [a, b] = [stand(locks), stand(locks)];
    await settled();
    b.depose();
    await settled();
    expect([a.said, b.said]).toEqual([
      [false, true, false],
      [false, true],
    ]);
    expect(locks.counts).toEqual({ held: 1, pending: 1 }); // the thief has left the queue
    b.leave();
    await settled();
    expect(a.said).toEqual([false, true, false, true]);
  });

  it("goes to one of two who take it at once, and the other is in the queue", async () => {
    const locks = new FakeLocks();
    const [a, b, c] = [stand(locks), stand(locks), stand(locks)];
    await settled();
    b.depose();
    c.depose();
    await settled();
    expect([a, b, c].map(({ said }) => said.at(-1))).toEqual([false, false, true]);
    expect(locks.counts).toEqual({ held: 1, pending: 2 });
  });

  it("lets go what is granted to one who has just left", async () => {
    const locks = new FakeLocks();
    const [a, b] = [stand(locks), stand(locks)];
    await Promise.resolve(); // a's request has been granted, and a does not know yet
    a.leave();
    await settled();
    expect([a.said, b.said]).toEqual([[false], [false, true]]);
  });

  it("fails where the browser refuses it", async () => {
    const locks = new FakeLocks();
    locks.refuse = new Error("not in this frame");
    const { said } = stand(locks);
    await settled();
    expect(said).toEqual([false, locks.refuse]);
  });
});
