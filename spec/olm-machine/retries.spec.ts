import { expect, it, onTestFinished } from "vitest";
import { Retries } from "../../src/olm-machine/retries.js";
import { ManualTime } from "../support/manual-time.js";
import { BOB } from "../support/users.js";

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

function retriesOf() {
  const time = new ManualTime();
  const retries = new Retries(time);
  const subscription = retries.due$.subscribe();
  onTestFinished(() => subscription.unsubscribe());
  return { time, retries };
}

it("waits 2 s after a failure, doubling to 5 min, and 2 s again after a success", () => {
  const { time, retries } = retriesOf();
  const wait = () => {
    const ms = retries.failed([BOB], undefined);
    time.advance(ms);
    return ms;
  };
  const waits = Array.from({ length: 9 }, wait);
  expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000]);
  retries.succeeded([BOB]);
  expect(wait()).toBe(2_000);
});

it("waits as long as the server says, even if the user is announced", () => {
  const { time, retries } = retriesOf();
  const isOver = () => !retries.isWaiting(BOB);
  expect(retries.failed([BOB], { status: 429, retryAfter: 7_000 })).toBe(7_000);
  time.advance(5_000);
  retries.announced([BOB]);
  expect(isOver()).toBe(false);
  time.advance(1_999);
  expect(isOver()).toBe(false);
  time.advance(1);
  expect(isOver()).toBe(true);
});

it("does not wait any longer for a user who is announced", () => {
  const { retries } = retriesOf();
  retries.failed([BOB], { status: 500 });
  expect(retries.isWaiting(BOB)).toBe(true);
  retries.announced([BOB]);
  expect(retries.isWaiting(BOB)).toBe(false);
});
