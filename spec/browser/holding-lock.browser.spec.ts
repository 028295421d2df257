import { NEVER, Subject } from "rxjs";
import { beforeEach, expect, it } from "vitest";
import { holdingLock } from "../../src/browser/holding-lock.js";

let name: string;
beforeEach(() => {
  name = crypto.randomUUID();
});

/** The states of all requests for the lock. */
async function requests(): Promise<readonly string[]> {
  const { held = [], pending = [] } = await navigator.locks.query();
  const named = (locks: readonly LockInfo[]) => locks.filter((lock) => lock.name === name);
  return [...named(held).map(() => "held"), ...named(pending).map(() => "pending")];
}

it("holds the lock until the work has ended; the next one begins then", async () => {
  const [first$, second$] = [new Subject<string>(), new Subject<string>()];
  const happened: string[] = [];
  for (const work$ of [first$, second$])
    holdingLock(name, work$).subscribe({
      next: (value) => happened.push(value),
      complete: () => happened.push("complete"),
    });
  await expect.poll(() => first$.observed).toBe(true);
  expect(await requests()).toEqual(["held", "pending"]);
  expect(second$.observed).toBe(false);
  first$.next("value");
  first$.complete();
  await expect.poll(() => second$.observed).toBe(true);
  expect(happened).toEqual(["value", "complete"]);
  second$.complete();
  await expect.poll(requests).toEqual([]);
});

it("releases the lock, or leaves the queue, when it is unsubscribed", async () => {
  const [holding, waiting] = [holdingLock(name, NEVER).subscribe(), holdingLock(name, NEVER).subscribe()];
  await expect.poll(requests).toEqual(["held", "pending"]);
  waiting.unsubscribe();
  await expect.poll(requests).toEqual(["held"]);
  holding.unsubscribe();
  await expect.poll(requests).toEqual([]);
});

it("goes on with the work if another tab steals the lock, and subscribes to it once", async () => {
  const work$ = new Subject<string>();
  const values: string[] = [];
  const subscription = holdingLock(name, work$).subscribe((value) => values.push(value));
  await expect.poll(() => work$.observed).toBe(true);
  await navigator.locks.request(name, { steal: true }, () => undefined);
  await expect.poll(requests).toEqual([]);
  work$.next("after it");
  expect(values).toEqual(["after it"]);
  subscription.unsubscribe();
});

it("does the work without a lock if it is refused", async () => {
  const work$ = new Subject();
  const subscription = holdingLock("-refused", work$).subscribe(); // no name of a lock begins with a hyphen
  await expect.poll(() => work$.observed).toBe(true);
  subscription.unsubscribe();
});
