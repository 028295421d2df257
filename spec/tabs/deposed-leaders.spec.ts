import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { tabMarbles } from "./tab-marbles.js";

/** For tests of when the source is subscribed to. */
const NEVER_EMITS = "";

beforeEach(() => {
  let chance = 0;
  vi.spyOn(Math, "random").mockImplementation(() => (chance += 0.37) % 1); // no two tabs ask at the same moment
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("inOneTab with a leader that gives no sign", () => {
  it(
    "stays subscribed as long as the leader answers, asked by one tab at a time",
    tabMarbles(({ browser, cold, open, expectObservable, expectSubscriptions, afterwards }) => {
      const a = cold(NEVER_EMITS);
      expectObservable(open(a), "                  ^ 10s !").toBe("");
      expectObservable(open(cold(NEVER_EMITS)), "^ 10s !").toBe("");
      expectObservable(open(cold(NEVER_EMITS)), "^ 10s !").toBe("");
      expectSubscriptions(a.subscriptions).toBe("  ^ 10s !");
      afterwards(() => {
        expect(browser.locks.steals).toBe(0);
        const asked = browser.messages.filter((message) => message === "ask").length;
        expect(asked).toBeGreaterThanOrEqual(6);
        expect(asked).toBeLessThanOrEqual(10);
      });
    }),
  );

  it(
    "takes the lock from a leader that hangs, which unsubscribes when it recovers",
    tabMarbles(({ browser, cold, open, acts, expectObservable, expectSubscriptions, afterwards }) => {
      const [a, b] = [cold("-a"), cold("-x")];
      vi.mocked(Math.random).mockReturnValue(0);
      const tab = browser.tab();
      expectObservable(open(a, tab), "     ^ 9s !").toBe("-a");
      expectObservable(open(b), "          ^ 9s !").toBe("2001ms x");
      acts("                                --h 3997ms r", { h: () => tab.hang(), r: () => tab.recover() });
      expectSubscriptions(a.subscriptions).toBe("^ 3999ms !");
      expectSubscriptions(b.subscriptions).toBe("2s ^ 7s !");
      afterwards(() => {
        expect(browser.locks.steals).toBe(1);
        expect(browser.locks.counts).toEqual({ held: 0, queued: 0 });
      });
    }),
  );

  it(
    "takes the lock from a tab that holds it without this operator",
    tabMarbles(({ browser, cold, open, acts, expectObservable, expectSubscriptions, afterwards }) => {
      const [a, b] = [cold(NEVER_EMITS), cold(NEVER_EMITS)];
      vi.mocked(Math.random).mockReturnValueOnce(0).mockReturnValueOnce(0.5);
      const held = () => new Promise(() => undefined);
      acts("h", {
        h: () =>
          void browser.locks
            .of(browser.tab())
            .request("s", {}, held)
            .catch(() => undefined),
      });
      expectObservable(open(a), "-^ 10s !").toBe("");
      expectObservable(open(b), "-^ 10s !").toBe("");
      expectSubscriptions(a.subscriptions).toBe("- 2s ^ 8s !");
      expectSubscriptions(b.subscriptions).toBe([]);
      afterwards(() => expect(browser.locks.steals).toBe(1)); // the other follower heard of it
    }),
  );

  it(
    "deposes less and less often while all tabs are too busy to answer",
    tabMarbles(({ browser, cold, open, acts, scheduler, expectObservable, afterwards }) => {
      const tabs = [browser.tab(), browser.tab()];
      const steals: number[] = [];
      for (const tab of tabs) expectObservable(open(cold(NEVER_EMITS), tab), "^ 59s !").toBe("");
      // Each tab runs its timers, but gets its messages only when it is too late.
      acts("-b", { b: () => tabs.forEach((tab) => tab.hang()) });
      for (let s = 1; s < 59; s++)
        scheduler.schedule(
          () => {
            for (const tab of tabs) {
              tab.recover();
              tab.hang();
            }
            steals.push(browser.locks.steals);
          },
          s * 1_000 + 999,
        );
      afterwards(() => {
        expect(steals.at(-1)).toBeGreaterThan(1);
        expect(steals.at(-1)).toBeLessThan(10);
      });
    }),
  );

  it(
    "does not take unknown messages for a sign of the leader",
    tabMarbles(({ browser, cold, open, acts, expectObservable, expectSubscriptions }) => {
      vi.mocked(Math.random).mockReturnValue(0);
      const [a, b] = [cold(NEVER_EMITS), cold(NEVER_EMITS)];
      const tab = browser.tab();
      const unknown = [null, {}, { type: "here" }, "value", "__proto__"];
      expectObservable(open(a, tab), "^ 3s !").toBe("");
      expectObservable(open(b), "     ^ 3s !").toBe("");
      acts("                           -h 500ms m 900ms m", {
        h: () => tab.hang(),
        m: () => unknown.forEach((message) => browser.broadcast("matrix-device-tracker/tabs/s", message)),
      });
      expectSubscriptions(b.subscriptions).toBe("2s ^ 1s !");
    }),
  );
});
