import type fc from "fast-check";

const READY = Promise.resolve();

/** Everything that is still to happen: at first in the order in which it was asked for, later in the order that fast-check's scheduler picks, where anything may come next. */
export class Pending {
  readonly #scheduler: fc.Scheduler;
  readonly #inOrder: (() => void)[] = [];
  #shuffles = false;

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
  }

  add(label: string, run: () => void): void {
    if (!this.#shuffles) {
      this.#inOrder.push(run);
      return;
    }
    // As the task's own act it is over, synchronously, when the scheduler is told that the task is.
    void this.#scheduler.schedule(READY, label, undefined, async (trigger) => {
      await trigger();
      run();
    });
  }

  runInOrder(): void {
    for (let run = this.#inOrder.shift(); run !== undefined; run = this.#inOrder.shift()) run();
  }

  /** Lets happen what `begin` asks for and whatever comes of it, in the order of fast-check's scheduler; gives how many tasks that were. */
  async shuffle(begin: () => void): Promise<number> {
    this.#shuffles = true;
    begin();
    let tasks = 0;
    for (; this.#scheduler.count() > 0; tasks++) await this.#scheduler.waitNext(1);
    this.#shuffles = false;
    return tasks;
  }
}
