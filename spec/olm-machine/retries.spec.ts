import { expect, it } from "vitest";
import { Retries } from "../../src/olm-machine/retries.js";
import { ManualTime } from "../support/manual-time.js";

const USERS = Array.from({ length: 200_000 }, (_, i) => `@user${i}:example.org`);

/** In quadratic time, it would take minutes. */
it("waits for many users that fail at once together", () => {
  const time = new ManualTime();
  const retries = new Retries(time);
  const due: unknown[] = [];
  const subscription = retries.due$.subscribe(() => due.push(time.now()));
  expect(retries.failed(USERS, undefined)).toBe(2_000);
  expect(USERS.every((userId) => retries.isWaiting(userId))).toBe(true);
  time.advance(2_000);
  expect(due).toHaveLength(1);
  expect(USERS.some((userId) => retries.isWaiting(userId))).toBe(false);
  subscription.unsubscribe();
});
