import { describe, expect, it } from "vitest";
import { Retry } from "../../src/store/retry.js";
import { ManualTime } from "../support/manual-time.js";

function retrying() {
  const scheduler = new ManualTime();
  const tries: number[] = [];
  const retry = new Retry(scheduler, () => tries.push(scheduler.now()));
  return { scheduler, tries, retry };
}

describe("Retry", () => {
  it("waits 1 s, doubling to 60 s", () => {
    const { scheduler, retry } = retrying();
    const waits = Array.from({ length: 8 }, () => {
      const wait = retry.failed("full");
      scheduler.advance(wait);
      return wait;
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  });

  it("tries again when the wait is over, once", () => {
    const { scheduler, tries, retry } = retrying();
    retry.failed("full");
    scheduler.advance(999);
    expect([retry.isWaiting, tries]).toEqual([true, []]);
    scheduler.advance(1);
    expect([retry.isWaiting, tries]).toEqual([false, [1_000]]);
    scheduler.advance(100_000);
    expect(tries).toEqual([1_000]);
  });

  it("begins from 1 s again after a success, which ends a wait", () => {
    const { scheduler, tries, retry } = retrying();
    retry.failed("full");
    retry.failed("full");
    retry.succeeded();
    expect([retry.isWaiting, retry.error]).toEqual([false, undefined]);
    expect(retry.failed("full")).toBe(1_000);
    scheduler.advance(1_000);
    expect(tries).toEqual([1_000]);
  });

  it("keeps one timer, however often it fails", () => {
    const { scheduler, retry } = retrying();
    retry.failed("full");
    retry.failed("full");
    expect(scheduler.pending).toBe(1);
  });

  it("remembers why the last try failed, while it waits and while it tries again", () => {
    const { scheduler, retry } = retrying();
    retry.failed("full");
    scheduler.advance(1_000);
    expect(retry.error).toBe("full");
  });

  it("counts a failure without an error as one", () => {
    const { retry } = retrying();
    retry.failed(undefined);
    expect(retry.error).toBeInstanceOf(Error);
  });

  it("has no timer after its end", () => {
    const { scheduler, tries, retry } = retrying();
    retry.failed("full");
    retry.end();
    expect([retry.isWaiting, scheduler.pending]).toEqual([false, 0]);
    scheduler.advance(100_000);
    expect(tries).toEqual([]);
  });
});
