import { Observable, VirtualTimeScheduler } from "rxjs";
import { TestScheduler, type RunHelpers } from "rxjs/testing";
import { expect } from "vitest";
import { inOneTab } from "matrix-device-tracker/tabs";
import { FakeBrowser, settled, type FakeTab } from "./fake-tabs.js";

/** Virtual time in which all promises settle between two frames, as locks and channels need it. */
class SettlingScheduler extends TestScheduler {
  constructor() {
    super((actual, expected) => {
      expect(actual).toEqual(expected);
    });
  }

  /** run() calls it at its end, but only play() can wait for promises. */
  override flush(): void {}

  async play(): Promise<void> {
    for (let action = this.actions[0]; action !== undefined; action = this.actions[0]) {
      this.maxFrames = action.delay;
      VirtualTimeScheduler.prototype.flush.call(this);
      await settled();
    }
    super.flush();
  }
}

export interface TabMarbles extends Pick<RunHelpers, "cold" | "expectObservable" | "expectSubscriptions"> {
  readonly scheduler: TestScheduler;
  readonly browser: FakeBrowser;
  /** The source, in a tab that subscribes to it through `inOneTab("s")`. */
  readonly open: <T>(source$: Observable<T>, tab?: FakeTab) => Observable<T>;
  /** Does something at each frame that the marbles name. A letter stands for an action. */
  readonly acts: (marbles: string, actions: Readonly<Record<string, () => void>>) => void;
  /** What to check once all of virtual time has passed. */
  readonly afterwards: (check: () => void) => void;
}

/**
 * A test with fake tabs in virtual time, for `it`: one frame is a millisecond. Followers ask for ever, so all tabs must
 * be unsubscribed at the end.
 */
export function tabMarbles(test: (helpers: TabMarbles) => void): () => Promise<void> {
  return async () => {
    const scheduler = new SettlingScheduler();
    const browser = new FakeBrowser();
    const checks: (() => void)[] = [];
    scheduler.run((helpers) =>
      test({
        ...helpers,
        scheduler,
        browser,
        open: (source$, tab = browser.tab()) => inTab(tab, source$.pipe(inOneTab("s", { scheduler }))),
        acts: (marbles, actions) => {
          helpers.cold(marbles, actions).subscribe((action) => action());
        },
        afterwards: (check) => checks.push(check),
      }),
    );
    await scheduler.play();
    for (const check of checks) check();
  };
}

/** Subscribes, and unsubscribes, with the globals of the tab. */
export function inTab<T>(tab: FakeTab, observable$: Observable<T>): Observable<T> {
  return new Observable((subscriber) => {
    const subscription = tab.run(() => observable$.subscribe(subscriber));
    return () => tab.run(() => subscription.unsubscribe());
  });
}
