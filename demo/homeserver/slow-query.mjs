import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {{ answerAfter: number, changeAfter?: number, change?: () => void }} Plan */

/** How long a plan waits for its query, in ms: one that nobody sent must not surprise whoever asks much later. */
const PLAN_LIFETIME = 3_000;

/** Makes the next /keys/query slow and, where wanted, changes something in the middle of it. */
export class SlowQuery {
  /** @type {{ plan: Plan, until: number } | undefined} */
  #next;

  plan(/** @type {Plan} */ plan) {
    this.#next = { plan, until: Date.now() + PLAN_LIFETIME };
  }

  /** Where a plan is waiting, a promise that settles when the query may be answered. One plan slows one query. */
  take(/** @type {AbortSignal} */ signal) {
    const next = this.#next;
    this.#next = undefined;
    return next !== undefined && Date.now() < next.until ? run(next.plan, signal) : undefined;
  }
}

/** @param {Plan} plan @param {AbortSignal} signal */
async function run({ answerAfter, changeAfter = 0, change }, signal) {
  if (change !== undefined) {
    await sleep(changeAfter, undefined, { signal });
    change();
  }
  await sleep(answerAfter - changeAfter, undefined, { signal });
}
