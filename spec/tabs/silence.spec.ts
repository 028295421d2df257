import { VirtualTimeScheduler, VirtualAction, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { silence } from "../../src/tabs/silence.js";
import { marbles } from "../support/marbles.js";

describe("silence", () => {
  it(
    "asks after a second without a sign, and is over after another without an answer",
    marbles(({ hot, expectObservable, scheduler, afterwards }) => {
      const asked: number[] = [];
      const sign$ = hot("500ms s 300ms s");
      const silence$ = silence({
        sign$,
        askAfter: () => 1_000,
        ask: () => asked.push(scheduler.now()),
        patience: () => 1_000,
        scheduler,
      });
      expectObservable(silence$).toBe("2801ms (x|)", { x: undefined });
      afterwards(() => expect(asked).toEqual([1_801]));
    }),
  );

  it(
    "goes on as long as the leader answers, and asks no more than once a second",
    marbles(({ expectObservable, scheduler, afterwards }) => {
      const sign$ = new Subject<void>();
      const asked: number[] = [];
      const ask = () => {
        asked.push(scheduler.now());
        scheduler.schedule(() => sign$.next(), 900);
      };
      expectObservable(
        silence({ sign$, askAfter: () => 1_000, ask, patience: () => 1_000, scheduler }),
        "^ 10s !",
      ).toBe("");
      afterwards(() => {
        expect(asked).toEqual([1_000, 2_900, 4_800, 6_700, 8_600]);
        expect(sign$.observed).toBe(false);
      });
    }),
  );

  it(
    "waits as long as the patience lasts when it asks",
    marbles(({ expectObservable, scheduler }) => {
      const silence$ = silence({
        sign$: new Subject(),
        askAfter: () => 1_000,
        ask: () => undefined,
        patience: () => 4_000,
        scheduler,
      });
      expectObservable(silence$).toBe("5s (x|)", { x: undefined });
    }),
  );

  describe("with timers that go off late", () => {
    /** The clock says more than the timers have waited for: the tab was suspended, or is throttled. */
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
      const sign$ = new Subject<void>();
      const said: string[] = [];
      silence({
        sign$,
        askAfter: () => 1_000,
        ask: () => said.push("asked"),
        patience: () => 1_000,
        scheduler,
      }).subscribe(() => said.push("over"));
      scheduler.run(1_000);
      expect(said).toEqual(["asked"]);
      return { scheduler, sign$, said };
    };

    it("asks a second time, for the answer may lie unread", () => {
      const { scheduler, sign$, said } = listen();
      scheduler.late += 3_600_000;
      scheduler.run(1_000);
      expect(said).toEqual(["asked", "asked"]);
      sign$.next();
      scheduler.run(1_500);
      expect(said).toEqual(["asked", "asked", "asked"]);
    });

    it("is over when that is not answered either, however late the timers are", () => {
      const { scheduler, said } = listen();
      scheduler.late += 60_000;
      scheduler.run(1_000);
      scheduler.late += 60_000;
      scheduler.run(1_000);
      expect(said).toEqual(["asked", "asked", "over"]);
    });
  });
});
