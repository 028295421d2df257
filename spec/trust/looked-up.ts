import type { DeviceId, UserId } from "../../src/model/ids.js";
import type {
  DeviceStatus,
  Freshness,
  IdentityState,
  IdentityStatus,
  RejectionCode,
  UserDeviceKeys,
} from "../../src/model/results.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { testDevice } from "../../src/testing/test-device.js";
import { BOB } from "../support/users.js";

/** A device that is signed by itself and by its owner, and can be encrypted for, unless it is described otherwise. */
export interface DescribedDevice extends Partial<DeviceStatus> {
  readonly withoutKey?: boolean;
  readonly withoutOlm?: boolean;
}

export interface Described {
  readonly devices?: Readonly<Record<DeviceId, DescribedDevice>>;
  readonly rejected?: Readonly<Record<DeviceId, RejectionCode>>;
  readonly state?: IdentityState;
  readonly identity?: Partial<IdentityStatus>;
  readonly freshness?: Freshness;
}

/** A user's entry in the result of a lookup. */
export function entryOf(
  userId: UserId,
  { devices = {}, rejected = {}, state = "unchanged", identity = {}, freshness = "current" }: Described,
): UserDeviceKeys {
  const described = Object.entries(devices);
  return {
    deviceKeys: new Map(described.map(([deviceId, device]) => [deviceId, deviceOf(userId, deviceId, device)])),
    deviceStatus: new Map(
      described.map(([deviceId, { withoutKey: _, withoutOlm: __, ...status }]) => [
        deviceId,
        { signedByItself: true, crossSigned: true, dehydrated: false, ...status },
      ]),
    ),
    rejected: new Map(Object.entries(rejected).map(([deviceId, code]) => [deviceId, { code, detail: "x" }])),
    digest: "",
    identity: { state, verified: false, wasVerified: false, collisions: [], ...identity },
    freshness,
    fetchedAt: 0,
  };
}

function deviceOf(userId: UserId, deviceId: DeviceId, { withoutKey, withoutOlm }: DescribedDevice): DeviceKeys {
  return testDevice(userId, deviceId, {
    ...(withoutKey === true && { keys: { [`ed25519:${deviceId}`]: "x", "curve25519:OTHER": "y" } }),
    ...(withoutOlm === true && { algorithms: ["m.megolm.v1.aes-sha2"] }),
  });
}

/** The result of looking up Bob alone. */
export const lookupOfBob = (described: Described): ReadonlyMap<UserId, UserDeviceKeys> =>
  new Map([[BOB, entryOf(BOB, described)]]);
