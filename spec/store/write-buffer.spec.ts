import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { MAX_RECORDS_PER_TRANSACTION } from "../../src/model/batch-sizes.js";
import { Pace } from "../../src/store/pace.js";
import { listKey } from "../../src/store/records.js";
import { WriteBuffer, type Write } from "../../src/store/write-buffer.js";
import { crowd } from "../support/users.js";

const writeOf = (records: number, devices = 0): Write<string> => ({
  keys: crowd(records).map(listKey),
  devices,
  prepare: () => () => ({ result: "" }),
});

/** A buffer with writes of so many records each, and the outcomes of those that failed. */
function buffered(...sizes: readonly number[]) {
  const scheduler = new VirtualTimeScheduler();
  const pace = new Pace(scheduler);
  const buffer = new WriteBuffer(pace);
  const failures: string[] = [];
  sizes.forEach((size, i) => {
    buffer.add(writeOf(size)).subscribe({ error: (error: unknown) => failures.push(`${i}: ${String(error)}`) });
  });
  const take = () => buffer.take().map(({ write }) => write.keys.length);
  return { buffer, failures, take, scheduler, pace };
}

describe("WriteBuffer", () => {
  it("gives the writes that wait together, in order", () => {
    const { buffer, take } = buffered(1, 2, 3);
    expect(buffer.isEmpty).toBe(false);
    expect(take()).toEqual([1, 2, 3]);
    expect(buffer.isEmpty).toBe(true);
    expect(take()).toEqual([]);
  });

  it("gives no more records at once than a store writes in time", () => {
    const { take } = buffered(MAX_RECORDS_PER_TRANSACTION - 1, 1, 1);
    expect(take()).toEqual([MAX_RECORDS_PER_TRANSACTION - 1, 1]);
    expect(take()).toEqual([1]);
  });

  it("gives at least one write, however many records it has", () => {
    const { take } = buffered(MAX_RECORDS_PER_TRANSACTION + 1, 1);
    expect(take()).toEqual([MAX_RECORDS_PER_TRANSACTION + 1]);
    expect(take()).toEqual([1]);
  });

  it("gives no more devices at once than are compared in time", () => {
    const { buffer, take, scheduler, pace } = buffered();
    for (const devices of [250, 250, 250, 1]) buffer.add(writeOf(1, devices));
    expect(take()).toEqual([1, 1]);
    pace.measure(500, () => (scheduler.frame += 100));
    expect(take()).toEqual([1]);
    expect(take()).toEqual([1]);
  });

  it("fails every write that waits, and keeps none", () => {
    const { buffer, failures, take } = buffered(1, 1, 1);
    buffer.fail("full");
    expect(failures).toEqual(["0: full", "1: full", "2: full"]);
    expect(take()).toEqual([]);
  });

  it("does not fail a write that is added from inside a failure", () => {
    const { buffer } = buffered();
    buffer.add(writeOf(1)).subscribe({ error: () => buffer.add(writeOf(1)) });
    buffer.fail("full");
    expect(buffer.isEmpty).toBe(false);
  });
});
