import type { BrowserContext } from "playwright";
import type { Random } from "../../support/random.js";
import { ALL_USERS } from "../browser/truth.js";
import type { Unrest } from "../browser/unrest.js";
import type { ProofTab } from "./proof-tab.js";
import { LOSSES, type Loss, type TakeOvers } from "./take-overs.js";

/** How long a tab is frozen, or shows another page, in ms. */
const ASLEEP = [100, 2_500] as const;
/** The longest time from one change to the next while a tab starts to sync, in ms, and for how long it is so: a new tab has to learn what others are given. */
const STARTING_PACE = 12;
const STARTING = [0, 100] as const;

/** What happens to tabs: they open, close, crash, freeze, go to other pages and come back. */
export class TabLife {
  readonly counts: Record<Loss | "opened" | "restored", number> = {
    opened: 0,
    restored: 0,
    closed: 0,
    crashed: 0,
    frozen: 0,
    left: 0,
    reloaded: 0,
  };
  /** The longest time from one change to the next, in ms. */
  pace = 0;
  readonly #context: BrowserContext;
  readonly #unrest: Unrest;
  readonly #random: Random;
  readonly #takeOvers: TakeOvers;

  constructor(context: BrowserContext, unrest: Unrest, random: Random, takeOvers: TakeOvers) {
    this.#context = context;
    this.#unrest = unrest;
    this.#random = random;
    this.#takeOvers = takeOvers;
  }

  async open(tab: ProofTab): Promise<void> {
    this.counts.opened++;
    await tab.open(this.#context);
    await this.#start(tab);
  }

  async wake(tab: ProofTab): Promise<void> {
    tab.wakeAt = undefined;
    if (!tab.isAway) await tab.thaw();
    else if ((await tab.comeBack()) === "restored") this.counts.restored++;
    else {
      await this.#start(tab);
      return;
    }
    this.#askAtOnce(tab);
  }

  async lose(tab: ProofTab, how: Loss = this.#random.pick(LOSSES)): Promise<void> {
    this.counts[how]++;
    this.#takeOvers.losing(tab.name, how);
    switch (how) {
      case "closed":
        return tab.close();
      case "crashed":
        return tab.crash();
      case "reloaded":
        await tab.reload();
        return this.#start(tab);
      case "left":
        tab.wakeAt = performance.now() + this.#random.between(...ASLEEP);
        return tab.leave();
      case "frozen":
        tab.wakeAt = performance.now() + this.#random.between(...ASLEEP);
        return tab.freeze();
    }
  }

  async #start(tab: ProofTab): Promise<void> {
    this.#unrest.resume(STARTING_PACE);
    await tab.connect();
    this.#askAtOnce(tab);
    await new Promise((resolve) => setTimeout(resolve, this.#random.between(...STARTING)));
    this.#unrest.resume(this.pace);
  }

  /** A tab that is new, or has slept, knows the least. */
  #askAtOnce(tab: ProofTab): void {
    void tab.lookUp(ALL_USERS).catch(() => undefined); // the tab may be lost before it answers
  }
}
