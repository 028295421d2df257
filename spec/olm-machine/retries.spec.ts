import { expect, it } from "vitest";
import { Retries } from "../../src/olm-machine/retries.js";
import { ManualTime } from "../support/manual-time.js";

const USERS = Array.from({ length: 40_000 }, (_, i) => `@user${i}:example.org`);

it("blocks nothing while many users fail at once", () => {
  const time = new ManualTime();
  const retries = new Retries(time);
  const due: unknown[] = [];
  const subscription = retries.due$.subscribe(() => due.push(time.now()));
  const began = performance.now();
  expect(retries.failed(USERS, undefined)).toBe(2_000);
  expect(performance.now() - began).toBeLessThan(1_000); // it takes 30 ms
  expect(USERS.every((userId) => retries.isWaiting(userId))).toBe(true);
  time.advance(2_000);
  expect(due).toHaveLength(1);
  expect(USERS.some((userId) => retries.isWaiting(userId))).toBe(false);
  subscription.unsubscribe();
});
