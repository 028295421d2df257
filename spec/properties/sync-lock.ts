import type { Tab } from "./tab.js";

/** Decides which tab syncs: one at a time and never a frozen one, or all that are not frozen ("apart"). */
export class SyncLock {
  readonly #tabs: readonly Tab[];
  readonly #isShared: boolean;

  constructor(tabs: readonly Tab[], isShared: boolean) {
    this.#tabs = tabs;
    this.#isShared = isShared;
  }

  /** A new or woken tab queues for the lock. */
  request(tab: Tab): void {
    if (this.#isShared || !this.#tabs.some(({ turn$ }) => turn$.value === "sync")) tab.turn$.next("sync");
  }

  /** The tab that holds the lock loses it to another one. @param isLate whether its last request still comes back */
  steal(tab: Tab, isLate: boolean): void {
    if (this.#isShared || tab.isFrozen || tab.turn$.value === "sync") return;
    for (const { turn$ } of this.#tabs) if (turn$.value === "sync") turn$.next(isLate ? "finish" : "rest");
    tab.turn$.next("sync");
  }

  /** The tab is gone or frozen: the next one that is awake holds the lock. */
  release(tab: Tab): void {
    const wasLeading = tab.turn$.value === "sync";
    tab.turn$.next("rest");
    const at = this.#tabs.indexOf(tab);
    const next = [...this.#tabs.slice(at + 1), ...this.#tabs.slice(0, at)].find(({ isFrozen }) => !isFrozen);
    if (wasLeading && !this.#isShared) next?.turn$.next("sync");
  }
}
