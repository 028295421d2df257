import { of, retry, type ObservableNotification, throwError } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { inOneTab } from "matrix-device-tracker/tabs";
import { tabMarbles } from "./tab-marbles.js";

/** Marbles for timings only. */
const NEVER_EMITS = "";

beforeEach(() => {
  let chance = 0;
  vi.spyOn(Math, "random").mockImplementation(() => (chance += 0.37) % 1); // no two tabs ask at the same moment
});
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
        expectObservable(open(cold(NEVER_EMITS), tab), "^ 10s !").toBe("");
        acts("-z", { z: tab.freeze });
        afterwards(() => expect(browser.messages).toEqual([]));
      }),
    );
  });

  describe("when the leader gives no sign", () => {
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
      "takes the lock from a leader that hangs, which unsubscribes as soon as it recovers",
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

describe("inOneTab without a lock", () => {
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
      const tab = browser.tab();
      const inOneTab$ = cold("-a-|").pipe(inOneTab("s", { scheduler, onUnshared }));
      tab.run(() => expectObservable(inOneTab$).toBe("-a-|"));
      afterwards(() => {
        expect(onUnshared.mock.calls).toEqual([[expect.stringContaining("not in a sandboxed frame")]]);
        expect(browser.channels.size).toBe(0);
      });
    }),
  );

  it("subscribes, and reports the reason, if the browser denies the channel", () => {
    const onUnshared = vi.fn<(message: string) => void>();
    vi.stubGlobal("navigator", { locks: {} });
    vi.stubGlobal("BroadcastChannel", function denied() {
      throw new Error("cookies are blocked");
    });
    const emitted: unknown[] = [];
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
    const emitted: ObservableNotification<number>[] = [];
    for (const options of [{ onUnshared: failing }, {}])
      of(1)
        .pipe(inOneTab("s", options))
        .subscribe((value) => emitted.push({ kind: "N", value }));
    expect(emitted).toHaveLength(2);
    expect(reported).toHaveBeenCalledTimes(1);
  });
});
