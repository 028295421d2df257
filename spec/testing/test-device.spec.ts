import { describe, expect, it } from "vitest";
import { checkDevice } from "../../src/keys/check-device.js";
import { testDevice } from "../../src/testing/test-device.js";
import { BOB, CAROL } from "../support/users.js";

describe("testDevice", () => {
  it("is a device that the tracker accepts", () => {
    const device = testDevice(BOB, "B1");
    expect(checkDevice(device, BOB, "B1")).toMatchObject({ device });
  });

  it("is the same for the same IDs, and has different keys for different IDs", () => {
    const keys = (user: string, device: string) => Object.values(testDevice(user, device).keys);
    expect(testDevice(BOB, "B1")).toEqual(testDevice(BOB, "B1"));
    const all = [...keys(BOB, "B1"), ...keys(BOB, "B2"), ...keys(CAROL, "B1")];
    expect(new Set(all).size).toBe(6);
  });

  it("has keys of 32 bytes of unpadded base64", () => {
    for (const key of Object.values(testDevice(BOB, "B1").keys)) {
      expect(key).toMatch(/^[A-Za-z0-9+/]{43}$/u);
      expect(Buffer.from(key, "base64")).toHaveLength(32);
      expect(Buffer.from(key, "base64").toString("base64").replace("=", "")).toBe(key);
    }
  });

  it("has the given properties instead of its own", () => {
    expect(testDevice(BOB, "B1", { algorithms: [], extra: 1 })).toMatchObject({
      device_id: "B1",
      algorithms: [],
      extra: 1,
    });
  });
});
