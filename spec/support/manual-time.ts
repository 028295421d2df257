import { VirtualAction, VirtualTimeScheduler } from "rxjs";

/** A clock that a test moves by hand, for code under test that a `TestScheduler` cannot drive: promises, or answers given one by one. */
export class ManualTime extends VirtualTimeScheduler {
  constructor() {
    super(VirtualAction, 0);
  }

  advance(ms: number): void {
    const end = this.frame + ms;
    this.maxFrames = end;
    this.flush();
    this.frame = end;
  }

  /** Timers that are still to fire. */
  get pending(): number {
    return this.actions.filter((action) => !action.closed).length;
  }
}
