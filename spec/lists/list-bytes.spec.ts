import { expect, it } from "vitest";
import { bytesOf } from "../../src/lists/list-bytes.js";
import { testDevice } from "../../src/testing/test-device.js";
import { emptyList, type DeviceList } from "../../src/trust/device-list.js";
import { BOB } from "../support/users.js";
import { bob, phone, verified } from "./verified-lists.js";

const withDevice = (more: Readonly<Record<string, unknown>>): DeviceList => ({
  ...emptyList(0),
  deviceKeys: new Map([["D", { ...testDevice(BOB, "D"), ...more }]]),
});
const BARE = bytesOf(withDevice({}));

it("is a few thousand for an honest list", () => {
  expect(bytesOf(verified(bob, [phone]))).toBeGreaterThan(1_500);
  expect(bytesOf(verified(bob, [phone]))).toBeLessThan(6_000);
});

it("counts texts, names, and what is short in JSON and large in memory", () => {
  expect(bytesOf(withDevice({ text: "x".repeat(60_000) })) - BARE).toBeGreaterThan(60_000);
  expect(bytesOf(withDevice({ ["x".repeat(60_000)]: 1 })) - BARE).toBeGreaterThan(60_000);
  expect(bytesOf(withDevice({ empty: Array.from({ length: 20_000 }, () => ({})) })) - BARE).toBeGreaterThan(1_000_000);
  expect(bytesOf(withDevice({ numbers: Array<number>(20_000).fill(0) })) - BARE).toBeGreaterThan(160_000);
});

it("counts refused devices and cross-signing keys", () => {
  const rejected = new Map(
    Array.from({ length: 1_000 }, (_, i) => [`${i}${"x".repeat(250)}`, { code: "malformed" as const, detail: "?" }]),
  );
  expect(bytesOf({ ...emptyList(0), rejected })).toBeGreaterThan(250_000);
  const masterKey = { ...bob.masterKey, filler: "x".repeat(60_000) };
  expect(bytesOf({ ...emptyList(0), masterKey })).toBeGreaterThan(60_000);
});
