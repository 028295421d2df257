import type { SchedulerAction, SchedulerLike, Subscription } from "rxjs";
import type { ExposedCore } from "./exposed-core.js";
import { noteCaptured } from "./heap-print.js";

interface Timer {
  readonly work: (this: SchedulerAction<unknown>, state?: unknown) => void;
  readonly delay: number;
  readonly state: unknown;
  readonly action: SchedulerAction<unknown>;
}

/** A clock that stands still, and whose timers go off when they are told to. */
export class SteppedClock implements SchedulerLike {
  readonly timers: Timer[] = [];
  readonly #core: ExposedCore;

  constructor(core: ExposedCore) {
    this.#core = core;
  }

  now(): number {
    return 0;
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    const action = new this.#core.Subscription() as SchedulerAction<unknown>;
    action.schedule = noteCaptured("schedule again", () => {
      throw new Error("the core has no timers that go off again");
    });
    const timer: Timer = { work: work as Timer["work"], delay, state, action };
    action.add(
      noteCaptured(
        "end of a timer",
        () => {
          const place = this.timers.indexOf(timer);
          if (place !== -1) this.timers.splice(place, 1);
        },
        () => [timer],
      ),
    );
    this.timers.push(timer);
    return action;
  }

  /** The first to go off of those that do so within this time, in ms. */
  next(within: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.timers)
      if (timer.delay <= within && (next === undefined || timer.delay < next.delay)) next = timer;
    return next;
  }

  goOff({ work, state, action }: Timer): void {
    this.timers.splice(
      this.timers.findIndex((timer) => timer.action === action),
      1,
    );
    work.call(action, state);
    action.unsubscribe();
  }
}
