import { VirtualAction, VirtualTimeScheduler } from "rxjs";

/** A clock that stands still until it is told to go on, for code whose answers come by promises, or one by one as a test gives them. */
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

  /** Timers that would still go off. */
  get pending(): number {
    return this.actions.filter((action) => !action.closed).length;
  }
}
