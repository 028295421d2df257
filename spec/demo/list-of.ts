import type { Freshness, UserDeviceKeys } from "matrix-device-tracker";

/** A list without devices. */
export const listOf = (freshness: Freshness): UserDeviceKeys => ({
  deviceKeys: new Map(),
  deviceStatus: new Map(),
  rejected: new Map(),
  identity: { state: "none", verified: false, wasVerified: false, collisions: [] },
  freshness,
  digest: "",
  fetchedAt: 0,
});
