import fc from "fast-check";
import { Observable, type Subscription } from "rxjs";
import { afterEach, expect, it, vi } from "vitest";
import { inOneTab } from "matrix-device-tracker/tabs";
import { ManualTime } from "../support/manual-time.js";
import { FakeBrowser, settled, type FakeTab } from "./fake-tabs.js";

const RUNS = Number(process.env.PROPERTY_RUNS ?? 200);
/** After this long every stuck leader has been deposed, however patient the others have become, in ms. */
const LONG_ENOUGH = 70_000;

/** The timers of a tab, which stand still while it hangs. The clock goes on. */
class TabTime extends ManualTime {
  hung = 0;
  override now = () => this.frame + this.hung;

  pass(ms: number, hangs: boolean): void {
    if (hangs) this.hung += ms;
    else this.advance(ms);
  }
}

class Page {
  readonly tab: FakeTab;
  readonly time = new TabTime();
  readonly #subscription: Subscription;
  /** How often the source is subscribed to at present. */
  active = 0;
  asleep = false;

  constructor(browser: FakeBrowser) {
    this.tab = browser.tab();
    const source$ = new Observable<never>(() => {
      this.active++;
      return () => this.active--;
    });
    this.#subscription = this.tab.run(() => source$.pipe(inOneTab("s", { scheduler: this.time })).subscribe());
  }

  unsubscribe(): void {
    this.tab.run(() => this.#subscription.unsubscribe());
  }

  sleep(how: "freeze" | "leave"): void {
    if (this.tab.hangs || this.asleep) return;
    this.asleep = true;
    this.tab[how]();
    expect(this.active, "subscribed at the end of the event").toBe(0);
  }

  wake(): void {
    if (!this.asleep) return;
    this.asleep = false;
    this.tab.resume();
    this.tab.comeBack();
  }
}

class World {
  readonly browser = new FakeBrowser();
  pages: Page[] = [];

  async do(action: Action): Promise<void> {
    const { what } = action;
    const page = this.pages[action.which % this.pages.length];
    if (what === "open") this.pages.push(new Page(this.browser));
    else if (what === "wait") await this.pass(action.ms);
    else if (page !== undefined) this.#doIn(page, what);
    await settled();
    this.check();
  }

  #doIn(page: Page, what: Exclude<Action["what"], "open" | "wait">): void {
    if (what === "hang") page.tab.hang();
    else if (what === "recover") page.tab.recover();
    else if (what === "freeze" || what === "leave") page.sleep(what);
    else if (what === "wake") page.wake();
    else {
      if (what === "unsubscribe") page.unsubscribe();
      page.tab.crash();
      this.pages = this.pages.filter((open) => open !== page);
    }
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      for (const { tab, time } of this.pages) time.pass(100, tab.hangs);
      await settled();
      this.check();
    }
  }

  check(): void {
    const { counts } = this.browser.locks;
    expect(counts.held).toBeLessThanOrEqual(1);
    for (const { active } of this.pages) expect(active, "in one tab").toBeLessThanOrEqual(1);
    // A leader that hangs is still subscribed when another tab has taken the lock from it.
    expect(this.subscribed({ hanging: false }), "in all tabs").toBeLessThanOrEqual(1);
  }

  subscribed({ hanging }: { readonly hanging: boolean }): number {
    return this.pages.filter(({ active, tab }) => active > 0 && tab.hangs === hanging).length;
  }
}

const WHAT = ["open", "wait", "hang", "recover", "freeze", "leave", "wake", "crash", "unsubscribe"] as const;
interface Action {
  readonly what: (typeof WHAT)[number];
  /** The index of the tab it happens in. */
  readonly which: number;
  readonly ms: number;
}
const arbitraryAction: fc.Arbitrary<Action> = fc.record({
  what: fc.constantFrom(...WHAT),
  which: fc.nat(3),
  ms: fc.nat(6_000),
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it("is subscribed to in exactly one of the tabs that run, whatever they go through", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryAction, { maxLength: 25 }), async (actions) => {
      const world = new World();
      for (const next of actions) await world.do(next);
      for (const page of world.pages) {
        page.tab.recover();
        page.wake();
      }
      await settled();
      await world.pass(LONG_ENOUGH);
      expect(world.subscribed({ hanging: false })).toBe(Math.min(1, world.pages.length));
      for (const page of world.pages) page.unsubscribe();
      await settled();
      expect(world.browser.locks.counts).toEqual({ held: 0, queued: 0 });
      expect(world.browser.channels.size).toBe(0);
      for (const { time, active } of world.pages) expect([time.pending, active]).toEqual([0, 0]);
    }),
    { numRuns: RUNS },
  );
}, 120_000);
