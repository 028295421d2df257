import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {{ answerAfter: number, changeAfter?: number, change?: () => void }} Plan */

/** How long a plan waits for its query, in ms: a much later query must not be slow. */
const PLAN_LIFETIME = 3_000;

/** Makes the next `/keys/query` slow, and optionally changes something while it is in flight. */
export class SlowQuery {
  /** @type {{ plan: Plan, until: number } | undefined} */
  #next;

  plan(/** @type {Plan} */ plan) {
    this.#next = { plan, until: Date.now() + PLAN_LIFETIME };
  }

  /** If there is a plan, a promise that resolves when the query may be answered. A plan slows one query. */
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
