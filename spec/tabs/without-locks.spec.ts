import { of } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { inOneTab } from "matrix-device-tracker/tabs";
import { inTab, tabMarbles } from "./tab-marbles.js";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("inOneTab without Web Locks", () => {
  it(
    "subscribes in every tab, and reports once that there are no Web Locks",
    tabMarbles(({ cold, expectObservable, expectSubscriptions, acts, scheduler, afterwards }) => {
      const onUnshared = vi.fn<(message: string) => void>();
      const operator = inOneTab<string>("s", { scheduler, onUnshared });
      const [a, b] = [cold("-a-|"), cold("-x-y-z")];
      acts("g", { g: () => vi.stubGlobal("navigator", {}) });
      expectObservable(operator(a), "^").toBe("-a-|");
      expectObservable(operator(b), "-^---!").toBe("--x-y-");
      expectSubscriptions(a.subscriptions).toBe("^--!");
      expectSubscriptions(b.subscriptions).toBe("-^---!");
      afterwards(() => {
        expect(onUnshared.mock.calls).toEqual([[expect.stringMatching(/every tab .*"s".*Web Locks.*insecure/iu)]]);
      });
    }),
  );

  it(
    "subscribes, and reports the reason, if the browser refuses the lock",
    tabMarbles(({ browser, cold, scheduler, expectObservable, afterwards }) => {
      const onUnshared = vi.fn<(message: string) => void>();
      browser.locks.refusal = new Error("not in a sandboxed frame");
      const inOneTab$ = cold("-a-|").pipe(inOneTab("s", { scheduler, onUnshared }));
      expectObservable(inTab(browser.tab(), inOneTab$)).toBe("-a-|");
      afterwards(() => {
        expect(onUnshared.mock.calls).toEqual([[expect.stringContaining("not in a sandboxed frame")]]);
        expect(browser.channels.size).toBe(0);
      });
    }),
  );

  it(
    "unsubscribes while it is asleep all the same, and reports only once",
    tabMarbles(({ browser, cold, scheduler, acts, expectObservable, expectSubscriptions, afterwards }) => {
      const onUnshared = vi.fn<(message: string) => void>();
      browser.locks.refusal = new Error("not in a sandboxed frame");
      const source$ = cold("-a-b-c");
      const tab = browser.tab();
      const inOneTab$ = inTab(tab, source$.pipe(inOneTab("s", { scheduler, onUnshared })));
      expectObservable(inOneTab$, "                  ^--------!").toBe("-a-----a-");
      acts("                                         --z---w   ", { z: tab.freeze, w: tab.resume });
      expectSubscriptions(source$.subscriptions).toBe(["^-!", "------^--!"]);
      afterwards(() => expect(onUnshared).toHaveBeenCalledTimes(1));
    }),
  );

  it("subscribes, and reports the reason, if the browser denies the channel", () => {
    const onUnshared = vi.fn<(message: string) => void>();
    vi.stubGlobal("navigator", { locks: {} });
    vi.stubGlobal("BroadcastChannel", function denied() {
      throw new Error("cookies are blocked");
    });
    const emitted: number[] = [];
    of(1)
      .pipe(inOneTab("s", { onUnshared }))
      .subscribe((value) => emitted.push(value));
    expect(emitted).toEqual([1]);
    expect(onUnshared.mock.calls).toEqual([[expect.stringContaining("cookies are blocked")]]);
  });

  it("goes on if onUnshared throws, or there is none", () => {
    vi.stubGlobal("navigator", undefined);
    const reported = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const failing = () => {
      throw new Error("oh");
    };
    const emitted: number[] = [];
    for (const options of [{ onUnshared: failing }, {}])
      of(1)
        .pipe(inOneTab("s", options))
        .subscribe((value) => emitted.push(value));
    expect(emitted).toEqual([1, 1]);
    expect(reported).toHaveBeenCalledTimes(1);
  });
});
