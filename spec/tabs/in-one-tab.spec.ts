import { of, retry, throwError } from "rxjs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { inOneTab } from "matrix-device-tracker/tabs";
import { tabMarbles } from "./tab-marbles.js";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("inOneTab", () => {
  it(
    "subscribes in one tab, and in the next in the queue when that one unsubscribes",
    tabMarbles(({ cold, open, expectObservable, expectSubscriptions }) => {
      const [a, b, c] = [cold("-a-b-c"), cold("-x-y-z"), cold("-k-l-m")];
      expectObservable(open(a), "^---!    ").toBe(" -a-b");
      expectObservable(open(b), "^------! ").toBe(" -----x-");
      expectObservable(open(c), "^--------!").toBe("--------k");
      expectSubscriptions(a.subscriptions).toBe("  ^---!    ");
      expectSubscriptions(b.subscriptions).toBe("  ----^--! ");
      expectSubscriptions(c.subscriptions).toBe("  -------^-!");
    }),
  );

  it(
    "subscribes in the next tab when the leader crashes",
    tabMarbles(({ browser, cold, open, acts, expectObservable, expectSubscriptions }) => {
      const [a, b] = [cold("-a-----"), cold("-x-y-z")];
      const tab = browser.tab();
      expectObservable(open(a, tab), "^------!").toBe("-a");
      expectObservable(open(b), "     ^------!").toBe("----x-y");
      acts("                           ---c    ", { c: () => tab.crash() });
      expectSubscriptions(b.subscriptions).toBe("---^---!");
    }),
  );

  it(
    "leaves the queue when a tab that follows unsubscribes",
    tabMarbles(({ browser, cold, open, acts, expectObservable, expectSubscriptions }) => {
      const [a, b] = [cold("-a-b-c"), cold("-x-y-z")];
      expectObservable(open(a), "^----!").toBe("-a-b-");
      expectObservable(open(b), "^--!  ").toBe("");
      acts("                     ---c  ", { c: () => expect(browser.locks.counts).toEqual({ held: 1, queued: 0 }) });
      expectSubscriptions(b.subscriptions).toBe([]);
    }),
  );

  it(
    "keeps different names apart",
    tabMarbles(({ cold, scheduler, open, expectObservable }) => {
      const other$ = cold("-x-y-z").pipe(inOneTab("other", { scheduler }));
      expectObservable(open(cold("-a-b-c")), "^----!").toBe("-a-b-");
      expectObservable(other$, "              ^----!").toBe("-x-y-");
    }),
  );

  describe("when the source ends", () => {
    it(
      "completes in that tab only, and the next one subscribes",
      tabMarbles(({ cold, open, expectObservable, expectSubscriptions }) => {
        const [a, b] = [cold("-a-|"), cold("-x-y-z")];
        expectObservable(open(a)).toBe("        -a-|");
        expectObservable(open(b), "^------!").toBe("----x-y");
        expectSubscriptions(a.subscriptions).toBe("^--!");
        expectSubscriptions(b.subscriptions).toBe("---^---!");
      }),
    );

    it(
      "fails in each tab in turn with the error of its own source",
      tabMarbles(({ cold, open, expectObservable, expectSubscriptions, browser, afterwards }) => {
        const [a, b, c] = [cold("-a-#"), cold("-#", {}, "refused"), cold("--#", {}, "refused too")];
        expectObservable(open(a)).toBe("-a-#");
        expectObservable(open(b)).toBe("----#", {}, "refused");
        expectObservable(open(c)).toBe("------#", {}, "refused too");
        expectSubscriptions(a.subscriptions).toBe("^--!");
        expectSubscriptions(b.subscriptions).toBe("---^!");
        expectSubscriptions(c.subscriptions).toBe("----^-!");
        afterwards(() => expect(browser.locks.counts).toEqual({ held: 0, queued: 0 }));
      }),
    );

    it(
      "queues behind the other tabs if it is subscribed to again",
      tabMarbles(({ cold, open, expectObservable, expectSubscriptions }) => {
        const [a, b] = [cold("-#"), cold("-x|")];
        expectObservable(open(a).pipe(retry(1))).toBe("----#");
        expectObservable(open(b)).toBe("        --x|");
        expectSubscriptions(a.subscriptions).toBe(["^!", "---^!"]);
        expectSubscriptions(b.subscriptions).toBe("-^-!");
      }),
    );

    it(
      "passes on a source that ends at once",
      tabMarbles(({ open, expectObservable, browser, afterwards }) => {
        const refused = new Error("refused");
        expectObservable(open(of("a", "b"))).toBe("(ab|)");
        expectObservable(open(throwError(() => refused))).toBe("#", {}, refused);
        afterwards(() => expect(browser.locks.counts).toEqual({ held: 0, queued: 0 }));
      }),
    );
  });

  describe("within a tab", () => {
    it(
      "shares one subscription between all subscribers, from the first to the last",
      tabMarbles(({ cold, open, expectObservable, expectSubscriptions }) => {
        const source$ = cold("-a-b-c-d-e");
        const inOneTab$ = open(source$);
        expectObservable(inOneTab$, "^---!      ").toBe("-a-b");
        expectObservable(inOneTab$, "--^---!    ").toBe("---b-c");
        expectObservable(inOneTab$, "--------^-!").toBe("---------a-");
        expectSubscriptions(source$.subscriptions).toBe(["^-----!", "--------^-!"]);
      }),
    );

    it(
      "lets separate uses of a name compete like tabs",
      tabMarbles(({ browser, cold, open, expectObservable, expectSubscriptions }) => {
        const tab = browser.tab();
        const [a, b] = [cold("-a-b-c"), cold("-x-y-z")];
        expectObservable(open(a, tab), "^--!   ").toBe("-a-");
        expectObservable(open(b, tab), "^-----!").toBe("----x-");
        expectSubscriptions(a.subscriptions).toBe("    ^--!");
        expectSubscriptions(b.subscriptions).toBe("    ---^--!");
      }),
    );
  });

  describe("in a page that sleeps", () => {
    it.each(["freeze", "leave"] as const)("unsubscribes within the %s event, and queues again on waking", (sleep) =>
      tabMarbles(({ browser, cold, open, acts, expectObservable, expectSubscriptions }) => {
        const wake = sleep === "freeze" ? "resume" : "comeBack";
        const [a, b] = [cold("-a-b-c-d-e-f"), cold("-x-y-z")];
        const tab = browser.tab();
        expectObservable(open(a, tab), "^----------!").toBe("-a--------a-");
        expectObservable(open(b), "     ^--------!  ").toBe("----x-y-z");
        acts("                           ---z--w     ", {
          z: () => {
            tab[sleep]();
            expect(a.subscriptions.at(-1)?.unsubscribedFrame).toBe(3); // before anything else can run
            expect([...browser.channels].filter((channel) => channel.tab === tab)).toEqual([]);
          },
          w: () => tab[wake](),
        });
        expectSubscriptions(a.subscriptions).toBe(["^--!", "---------^-!"]);
        expectSubscriptions(b.subscriptions).toBe("    ---^-----!");
      })(),
    );

    it(
      "never subscribes in a tab that fell asleep in the queue",
      tabMarbles(({ browser, cold, open, acts, expectObservable, expectSubscriptions }) => {
        const [a, b, c] = [cold("-a"), cold("-x-y-z"), cold("-k-l-m")];
        const tab = browser.tab();
        expectObservable(open(a), "     ^--!  ").toBe("-a");
        expectObservable(open(b, tab), "^----!").toBe("");
        expectObservable(open(c), "     ^----!").toBe("----k");
        acts("                           -z    ", { z: tab.freeze });
        expectSubscriptions(b.subscriptions).toBe([]);
        expectSubscriptions(c.subscriptions).toBe("---^-!");
      }),
    );

    it(
      "sends nothing while asleep",
      tabMarbles(({ browser, cold, open, acts, expectObservable, afterwards }) => {
        const tab = browser.tab();
        expectObservable(open(cold(""), tab), "^ 10s !").toBe("");
        acts("-z", { z: tab.freeze });
        afterwards(() => expect(browser.messages).toEqual([]));
      }),
    );
  });

  it(
    "leaves no lock, channel, timer or listener behind, leading or following",
    tabMarbles(({ browser, cold, open, expectObservable, afterwards }) => {
      const added = vi.spyOn(EventTarget.prototype, "addEventListener");
      const removed = vi.spyOn(EventTarget.prototype, "removeEventListener");
      const types = ({ mock }: typeof added | typeof removed) => mock.calls.map(([type]) => type).toSorted();
      expectObservable(open(cold("-a-b-c")), "^--!").toBe("-a-");
      expectObservable(open(cold("-a-b-c")), "^-!").toBe("");
      afterwards(() => {
        // play() has ended, so no timer is left.
        expect(browser.locks.counts).toEqual({ held: 0, queued: 0 });
        expect(browser.channels.size).toBe(0);
        const ofLocks = (type: string) => type !== "abort";
        expect(types(removed).filter(ofLocks)).toEqual(types(added).filter(ofLocks));
        expect(types(removed)).toContain("freeze");
        expect(types(removed)).toContain("message");
      });
    }),
  );

  it("does nothing before it is subscribed to", () => {
    vi.stubGlobal("navigator", undefined);
    const onUnshared = vi.fn<(message: string) => void>();
    of(1).pipe(inOneTab("s", { onUnshared }));
    expect(onUnshared).not.toHaveBeenCalled();
  });
});
