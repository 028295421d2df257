import { NEVER, Observable, of, Subject, throwError, type Subscription } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OtherTabError, shareAcrossTabs } from "matrix-device-tracker/tabs";
import { ManualTime } from "../support/manual-time.js";
import { FakeChannel, fakePage, fakeTabs, settled, type FakeLocks } from "./fake-tabs.js";

let locks: FakeLocks;
let scheduler: ManualTime;
let tabs: Tab[];
beforeEach(() => {
  locks = fakeTabs();
  scheduler = new ManualTime();
  tabs = [];
  let chance = 0;
  vi.spyOn(Math, "random").mockImplementation(() => (chance += 0.37) % 1); // never the same for two that follow each other
});
afterEach(() => {
  for (const tab of tabs) tab.close();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A subscriber in a tab of its own, with a source of its own, which the test feeds. */
class Tab {
  readonly source$ = new Subject<unknown>();
  readonly said: unknown[] = [];
  readonly channel: FakeChannel;
  readonly #subscription: Subscription;
  /** How often the source was subscribed to, and whether it is. */
  starts = 0;

  constructor(source$?: Observable<unknown>) {
    const counted$ = new Observable((subscriber) => {
      this.starts++;
      return (source$ ?? this.source$).subscribe(subscriber);
    });
    const others = new Set(FakeChannel.open);
    this.#subscription = counted$.pipe(shareAcrossTabs("s", { scheduler })).subscribe({
      next: (value) => this.said.push(value),
      error: (error: unknown) => this.said.push(error),
      complete: () => this.said.push("complete"),
    });
    const channel = [...FakeChannel.open].find((candidate) => !others.has(candidate));
    if (channel === undefined) throw new Error("the tab opened no channel");
    this.channel = channel;
    tabs.push(this);
  }

  get leads(): boolean {
    return this.source$.observed;
  }

  close(): void {
    this.#subscription.unsubscribe();
  }
}

/** Opens so many tabs; the first leads. */
const open = async (count: number): Promise<Tab[]> => {
  const opened = Array.from({ length: count }, () => new Tab());
  await settled();
  return opened;
};
/** Lets time pass, in steps that messages can keep up with. */
const pass = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 50) {
    scheduler.advance(50);
    await settled();
  }
};
const leaders = () => tabs.filter(({ leads }) => leads);
const sent = (type: string) => FakeChannel.sent.filter((message) => (message as { type: string }).type === type).length;

describe("shareAcrossTabs", () => {
  it("subscribes to one source, and gives its values to everybody, the leader included", async () => {
    const [a, b, c] = (await open(3)) as [Tab, Tab, Tab];
    expect(leaders()).toEqual([a]);
    a.source$.next(1);
    a.source$.next({ next_batch: "s2" });
    await settled();
    for (const { said } of [a, b, c]) expect(said).toEqual([1, { next_batch: "s2" }]);
    expect([a.starts, b.starts, c.starts]).toEqual([1, 0, 0]);
  });

  it("tells the others before the leader's own subscriber, so that what that one saves has been told", async () => {
    const source$ = new Subject<number>();
    const order: unknown[] = [];
    const subscription = source$
      .pipe(shareAcrossTabs("s", { scheduler }))
      .subscribe(() => order.push(FakeChannel.sent.at(-1)));
    await settled();
    source$.next(1);
    expect(order).toEqual([{ type: "value", value: 1 }]);
    subscription.unsubscribe();
  });

  it("keeps sources of different names apart", async () => {
    const [a] = (await open(1)) as [Tab];
    const other$ = new Subject<number>();
    const said: number[] = [];
    const subscription = other$
      .pipe(shareAcrossTabs<number>("other", { scheduler }))
      .subscribe((value) => said.push(value));
    await settled();
    other$.next(7);
    a.source$.next(1);
    await settled();
    expect([a.said, said]).toEqual([[1], [7]]);
    subscription.unsubscribe();
  });

  it("hands over to the next when the leader unsubscribes", async () => {
    const [a, b, c] = (await open(3)) as [Tab, Tab, Tab];
    a.close();
    expect(a.leads).toBe(false);
    await settled();
    expect(leaders()).toEqual([b]);
    b.source$.next(2);
    await settled();
    expect([b.said, c.said]).toEqual([[2], [2]]);
  });

  it("gives one that joins what the leader emitted last, at once, and nobody else", async () => {
    const [a, b] = (await open(2)) as [Tab, Tab];
    a.source$.next(1);
    a.source$.next(2);
    await settled();
    const c = new Tab();
    await settled();
    expect([a.said, b.said, c.said]).toEqual([[1, 2], [1, 2], [2]]);
  });

  it("does not repeat to one that joins what is older than what it has got meanwhile", async () => {
    const [a] = (await open(1)) as [Tab];
    a.source$.next(1);
    await settled();
    a.channel.suspended = true;
    const b = new Tab();
    await settled(); // its question lies unread
    a.source$.next(2);
    a.channel.wake();
    await settled();
    expect(b.said).toEqual([2]);
  });

  it("repeats only what it has emitted since it leads", async () => {
    const [a, b] = (await open(2)) as [Tab, Tab];
    a.source$.next(1);
    await settled();
    a.close();
    await settled();
    const c = new Tab();
    await settled();
    expect(c.said).toEqual([]); // b starts anew from what is saved: that comes next
    b.source$.next(1);
    await settled();
    expect([b.said, c.said]).toEqual([[1, 1], [1]]);
  });

  describe("when the leader says nothing", () => {
    it("asks it after a second, and lets it be when it answers", async () => {
      const [a] = (await open(3)) as [Tab];
      await pass(10_000);
      expect(leaders()).toEqual([a]);
      expect(locks.steals).toBe(0);
      expect(sent("ask")).toBeLessThanOrEqual(3 + 10); // whoever asks first asks for all
    });

    it("takes values for a sign of it", async () => {
      const [a] = (await open(3)) as [Tab];
      a.channel.suspended = true;
      for (let value = 0; value < 10; value++) {
        a.source$.next(value);
        await pass(900);
      }
      expect(leaders()).toEqual([a]);
      expect(locks.steals).toBe(0);
    });

    it("takes the lock from one that does not answer; that one stops when it is told, and follows", async () => {
      const [a, b, c] = (await open(3)) as [Tab, Tab, Tab];
      a.channel.suspended = true;
      await pass(1_900);
      expect(leaders()).toEqual([a]);
      await pass(700);
      expect(leaders()).toHaveLength(1);
      const [now] = leaders() as [Tab];
      expect([b, c]).toContain(now);
      now.source$.next(2);
      a.channel.wake();
      await settled();
      for (const { said } of [a, b, c]) expect(said).toContain(2);
      await pass(5_000);
      expect(leaders()).toEqual([now]);
      now.close();
      await settled();
      expect(leaders()).toHaveLength(1);
    });

    it("is patient with tabs that depose each other", async () => {
      const [a, b] = (await open(2)) as [Tab, Tab];
      const depositions: number[] = [];
      let steals = 0;
      a.channel.suspended = b.channel.suspended = true; // so busy that nobody ever answers
      for (let s = 0; s < 60; s++) {
        await pass(1_000);
        if (locks.steals > steals) depositions.push(scheduler.now());
        steals = locks.steals;
      }
      expect(depositions.length).toBeGreaterThan(1);
      expect(depositions.length).toBeLessThan(15);
      expect(leaders()).toHaveLength(1);
    });

    it("leaves it to the first who deposes it", async () => {
      void locks.request("matrix-device-tracker/tabs/s", {}, () => new Promise(() => undefined)).catch(() => undefined);
      await open(3);
      await pass(10_000);
      expect(locks.steals).toBe(1);
      expect(leaders()).toHaveLength(1);
    });

    it("gives everybody the last value of one that was deposed, the new leader too", async () => {
      const [a, b, c] = (await open(3)) as [Tab, Tab, Tab];
      a.channel.postMessage({ type: "value", value: "late" });
      await settled();
      expect([b.said, c.said]).toEqual([["late"], ["late"]]);
      b.channel.postMessage({ type: "value", value: "late" }); // to the leader
      await settled();
      expect(a.said).toEqual(["late"]);
    });
  });

  describe("in a page that sleeps", () => {
    const on = (target: EventTarget, event: string) => target.dispatchEvent(new Event(event));

    it.for([
      ["freeze", "resume", "document"],
      ["pagehide", "pageshow", "window"],
    ] as const)("lets the lock go within %s, and contends again from %s on", async ([sleep, wake, target]) => {
      const page = fakePage();
      const [a] = (await open(1)) as [Tab];
      fakePage(); // another
      const b = new Tab();
      await settled();
      expect(leaders()).toEqual([a]);

      on(page[target], sleep);
      expect(a.leads).toBe(false); // at once: nothing else runs before the page is frozen
      await settled();
      expect(leaders()).toEqual([b]);
      expect(locks.counts).toEqual({ held: 1, pending: 0 });
      b.source$.next(1);
      b.source$.next(2);
      await pass(10_000);
      expect(a.said).toEqual([]);
      expect(locks.steals).toBe(0);

      on(page[target], wake);
      expect(a.said).toEqual([1, 2]); // before anything else
      await settled();
      expect(a.said).toEqual([1, 2, 2]); // and what the leader emitted last
      b.close();
      await settled();
      expect(leaders()).toEqual([a]);
    });

    it("is told of the end when it wakes", async () => {
      const page = fakePage();
      const a = new Tab();
      await settled();
      on(page.document, "freeze");
      const other = new FakeChannel(a.channel.name);
      other.postMessage({ type: "value", value: 1 });
      other.postMessage({ type: "complete" });
      await settled();
      expect(a.said).toEqual([]);
      on(page.document, "resume");
      expect(a.said).toEqual([1, "complete"]);
      other.close();
      await settled();
      expect(locks.counts).toEqual({ held: 0, pending: 0 });
    });
  });

  describe("ends", () => {
    const refused = Object.assign(new Error("logged out"), {
      name: "MatrixError",
      errcode: "M_UNKNOWN_TOKEN",
      status: 401,
    });

    it("with an error in every tab when the source fails, and nobody starts it again", async () => {
      const [a, b, c] = (await open(3)) as [Tab, Tab, Tab];
      a.source$.error(refused);
      await settled();
      await pass(10_000);
      expect(a.said).toEqual([refused]);
      for (const { said } of [b, c]) {
        expect(said).toEqual([expect.any(OtherTabError)]);
        expect(said[0]).toMatchObject({
          name: "MatrixError",
          message: "logged out",
          errcode: "M_UNKNOWN_TOKEN",
          status: 401,
        });
      }
      expect([a.starts, b.starts, c.starts]).toEqual([1, 0, 0]);
      expect(locks.counts).toEqual({ held: 0, pending: 0 });
      expect(FakeChannel.open.size).toBe(0);
    });

    it("in every tab when the source completes", async () => {
      const [a, b] = (await open(2)) as [Tab, Tab];
      a.source$.next(1);
      a.source$.complete();
      await settled();
      expect([a.said, b.said]).toEqual([
        [1, "complete"],
        [1, "complete"],
      ]);
      expect([a.starts, b.starts]).toEqual([1, 0]);
      expect(locks.counts).toEqual({ held: 0, pending: 0 });
    });

    it("starts anew for a tab that subscribes afterwards", async () => {
      const [a] = (await open(1)) as [Tab];
      a.source$.error(refused);
      await settled();
      const b = new Tab();
      await settled();
      expect([b.said, b.leads]).toEqual([[], true]);
    });

    it("with a source that ends at once", async () => {
      for (const [source$, said] of [
        [of(1, 2), [1, 2, "complete"]],
        [throwError(() => refused), [refused]],
      ] as const) {
        const tab = new Tab(source$);
        await settled();
        expect([tab.said, tab.starts]).toEqual([said, 1]);
      }
      expect(locks.counts).toEqual({ held: 0, pending: 0 });
    });

    it("in every tab with a value that cannot be cloned", async () => {
      const [a, b] = (await open(2)) as [Tab, Tab];
      vi.spyOn(a.channel, "postMessage").mockImplementationOnce((message) => void structuredClone(message));
      a.source$.next(() => undefined);
      await settled();
      for (const { said } of [a, b]) expect(said).toEqual([expect.objectContaining({ name: "DataCloneError" })]);
      expect(a.leads).toBe(false);
    });
  });

  it("leaves nothing behind, leading or following", async () => {
    const [a, b] = (await open(2)) as [Tab, Tab];
    b.close();
    a.close();
    await settled();
    expect(locks.counts).toEqual({ held: 0, pending: 0 });
    expect(FakeChannel.open.size).toBe(0);
    expect(scheduler.pending).toBe(0);
    expect([a.starts, b.starts, a.leads, b.leads]).toEqual([1, 0, false, false]);
  });

  it("does nothing before it is subscribed to", () => {
    NEVER.pipe(shareAcrossTabs("s", { scheduler }));
    expect(FakeChannel.open.size).toBe(0);
    expect(locks.counts).toEqual({ held: 0, pending: 0 });
  });

  it("takes no notice of what it does not understand", async () => {
    const [a, b] = (await open(2)) as [Tab, Tab];
    for (const message of [null, "value", {}, { type: "hello" }, { type: "__proto__" }]) b.channel.postMessage(message);
    await settled();
    a.source$.next(1);
    await settled();
    expect([a.said, b.said]).toEqual([[1], [1]]);
  });

  describe("where it cannot share", () => {
    const alone = async () => {
      const said: unknown[] = [];
      const told: string[] = [];
      const operator = shareAcrossTabs<number>("s", { scheduler, onUnshared: (message) => told.push(message) });
      for (const source$ of [of(1, 2), of(3)])
        operator(source$).subscribe({ next: (value) => said.push(value), complete: () => said.push("complete") });
      await settled();
      expect(said).toHaveLength(5);
      expect(new Set(said)).toEqual(new Set([1, 2, 3, "complete"]));
      return told;
    };

    it("passes the source through, and says so once: no Web Locks", async () => {
      vi.stubGlobal("navigator", {});
      expect(await alone()).toEqual([expect.stringMatching(/"s" is not shared.*Web Locks/u)]);
      vi.stubGlobal("navigator", undefined);
      expect(await alone()).toHaveLength(1);
    });

    it("… no BroadcastChannel", async () => {
      vi.stubGlobal("BroadcastChannel", undefined);
      expect(await alone()).toEqual([expect.stringMatching(/BroadcastChannel/u)]);
      expect(locks.counts).toEqual({ held: 0, pending: 0 });
    });

    it("… a browser that denies the channel", async () => {
      const denied = vi.fn(() => {
        throw new Error("cookies are blocked");
      });
      vi.stubGlobal("BroadcastChannel", denied);
      expect(await alone()).toEqual([expect.stringMatching(/cookies are blocked/u)]);
    });

    it("… a browser that refuses the lock; and the channel is closed", async () => {
      locks.refuse = new Error("sandboxed");
      expect(await alone()).toEqual([expect.stringMatching(/sandboxed/u)]);
      expect(FakeChannel.open.size).toBe(0);
    });

    it("goes on when the one who is told throws, or there is none", async () => {
      vi.stubGlobal("navigator", {});
      const complain = vi.spyOn(console, "error").mockImplementation(() => undefined);
      const said: number[] = [];
      of(1)
        .pipe(
          shareAcrossTabs("s", {
            onUnshared: () => {
              throw new Error("oh");
            },
          }),
        )
        .subscribe((value) => said.push(value));
      of(2)
        .pipe(shareAcrossTabs("s"))
        .subscribe((value) => said.push(value));
      expect(said).toEqual([1, 2]);
      expect(complain).toHaveBeenCalledTimes(1);
      complain.mockRestore();
    });
  });
});
