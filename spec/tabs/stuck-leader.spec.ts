import { EMPTY, NEVER, Subject, VirtualAction, VirtualTimeScheduler, type Observable, type SchedulerLike } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Signal } from "../../src/tabs/channel.js";
import { Patience } from "../../src/tabs/patience.js";
import { stuckLeader } from "../../src/tabs/stuck-leader.js";
import { marbles } from "../support/marbles.js";

const SIGNALS: Readonly<Record<string, Signal>> = { a: "ask", h: "here", d: "deposing" };

/** A channel that records what is sent, and when. */
const recording = (signals$: Observable<Signal>, scheduler: SchedulerLike, onAsk?: () => void) => {
  const sent: string[] = [];
  const send = (signal: Signal) => {
    sent.push(`${scheduler.now()} ${signal}`);
    if (signal === "ask") onAsk?.();
  };
  return { sent, channel: { signals$, send, close: () => undefined } };
};

describe("stuckLeader", () => {
  beforeEach(() => {
    vi.spyOn(Math, "random").mockReturnValue(0);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it(
    "asks after a second without a sign, and emits after another without an answer",
    marbles(({ hot, expectObservable, scheduler, afterwards }) => {
      const { channel, sent } = recording(hot("500ms h 300ms h", SIGNALS), scheduler);
      expectObservable(stuckLeader(channel, new Patience(scheduler), scheduler)).toBe("2801ms (x|)", { x: undefined });
      afterwards(() => expect(sent).toEqual(["1801 ask", "2801 deposing"]));
    }),
  );

  it(
    "asks up to half a second later, by chance",
    marbles(({ expectObservable, scheduler, afterwards }) => {
      vi.mocked(Math.random).mockReturnValue(0.5);
      const { channel, sent } = recording(NEVER, scheduler);
      expectObservable(stuckLeader(channel, new Patience(scheduler), scheduler), "2s !").toBe("");
      afterwards(() => expect(sent).toEqual(["1250 ask"]));
    }),
  );

  it(
    "goes on as long as the leader answers",
    marbles(({ expectObservable, scheduler, afterwards }) => {
      const signals$ = new Subject<Signal>();
      const { channel, sent } = recording(signals$, scheduler, () => {
        scheduler.schedule(() => signals$.next("here"), 900);
      });
      expectObservable(stuckLeader(channel, new Patience(scheduler), scheduler), "10s !").toBe("");
      afterwards(() => {
        expect(sent).toEqual(["1000 ask", "2900 ask", "4800 ask", "6700 ask", "8600 ask"]);
        expect(signals$.observed).toBe(false);
      });
    }),
  );

  it(
    "does not take another follower's question for a sign of the leader",
    marbles(({ hot, expectObservable, scheduler }) => {
      const { channel } = recording(hot("900ms a 900ms a", SIGNALS), scheduler);
      expectObservable(stuckLeader(channel, new Patience(scheduler), scheduler)).toBe("2s (x|)", { x: undefined });
    }),
  );

  it(
    "waits anew, and longer, after another follower has deposed the leader",
    marbles(({ hot, expectObservable, scheduler, afterwards }) => {
      const { channel, sent } = recording(hot("1500ms d", SIGNALS), scheduler);
      expectObservable(stuckLeader(channel, new Patience(scheduler), scheduler)).toBe("4500ms (x|)", { x: undefined });
      afterwards(() => expect(sent).toEqual(["1000 ask", "2500 ask", "4500 deposing"]));
    }),
  );

  it(
    "makes the next wait longer when it deposes the leader itself",
    marbles(({ expectObservable, scheduler, afterwards }) => {
      const patience = new Patience(scheduler);
      const { channel } = recording(EMPTY, scheduler);
      expectObservable(stuckLeader(channel, patience, scheduler)).toBe("2s (x|)", { x: undefined });
      afterwards(() => expect(patience.ms).toBe(2_000));
    }),
  );

  describe("with timers that fire late", () => {
    /** Its clock runs ahead of its timers, as in a tab that was suspended or is throttled. */
    class SlowTimers extends VirtualTimeScheduler {
      late = 0;
      constructor() {
        super(VirtualAction, 0);
      }
      override now = () => this.frame + this.late;
      run(ms: number): void {
        this.maxFrames = this.frame + ms;
        this.flush();
        this.frame = this.maxFrames;
      }
    }
    const listen = () => {
      const scheduler = new SlowTimers();
      const signals$ = new Subject<Signal>();
      const { channel, sent } = recording(signals$, scheduler);
      stuckLeader(channel, new Patience(scheduler), scheduler).subscribe();
      scheduler.run(1_000);
      return { scheduler, signals$, sent };
    };

    it("asks a second time, since the answer may be queued behind the timer", () => {
      const { scheduler, signals$, sent } = listen();
      scheduler.late += 3_600_000;
      scheduler.run(1_000);
      expect(sent).toEqual(["1000 ask", "3602000 ask"]);
      signals$.next("here");
      scheduler.run(1_500);
      expect(sent).toEqual(["1000 ask", "3602000 ask", "3603000 ask"]);
    });

    it("emits after a second question without an answer, however late its timer", () => {
      const { scheduler, sent } = listen();
      scheduler.late += 60_000;
      scheduler.run(1_000);
      scheduler.late += 60_000;
      scheduler.run(1_000);
      expect(sent).toEqual(["1000 ask", "62000 ask", "123000 deposing"]);
    });
  });
});
