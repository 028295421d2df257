import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { MAX_DEVICES_PER_TRANSACTION } from "../../src/model/batch-sizes.js";
import { Pace } from "../../src/store/pace.js";

/** A pace, and transactions that compare so many devices in so many ms. */
function paced() {
  const scheduler = new VirtualTimeScheduler();
  const pace = new Pace(scheduler);
  const compare = (devices: number, ms: number) => {
    expect(pace.measure(devices, () => ((scheduler.frame += ms), "done"))).toBe("done");
    return pace.devices;
  };
  return { pace, compare };
}

describe("Pace", () => {
  it("begins with as many devices as a transaction may compare, and stays if none takes long", () => {
    const { pace, compare } = paced();
    expect(pace.devices).toBe(MAX_DEVICES_PER_TRANSACTION);
    expect([compare(500, 0), compare(500, 16), compare(500, 32)]).toEqual([500, 500, 500]);
  });

  it("halves while transactions take long", () => {
    const { compare } = paced();
    expect([compare(500, 80), compare(250, 40), compare(125, 20)]).toEqual([250, 125, 125]);
    expect([compare(125, 33), compare(63, 33), compare(32, 33)]).toEqual([63, 32, 16]);
    expect([compare(8, 33), compare(4, 33), compare(2, 33), compare(1, 33), compare(1, 33)]).toEqual([8, 4, 2, 1, 1]);
  });

  it("doubles when so many devices were quick, which a few say nothing about", () => {
    const { compare } = paced();
    compare(500, 80);
    expect([compare(3, 1), compare(125, 1)]).toEqual([250, 250]);
    expect(compare(0, 100)).toBe(250); // what took long was something else
    expect([compare(126, 15), compare(500, 1)]).toEqual([500, 500]);
  });
});
