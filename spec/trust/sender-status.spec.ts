import { expect, it } from "vitest";
import type { UserDeviceKeys } from "../../src/model/results.js";
import { NO_IDENTITY, identityStatus } from "../../src/trust/identity.js";
import { senderStatus, type SenderStatus } from "../../src/trust/sender-status.js";
import { BOB, CAROL } from "../support/users.js";
import { curve25519, ed25519, phone, status, verified } from "./pinned-lists.js";

const identity = identityStatus(NO_IDENTITY, undefined);
const keysWith = (signedByItself: boolean): UserDeviceKeys => ({
  ...verified([phone], { deviceStatus: new Map([["PHONE", status({ signedByItself })]]) }),
  identity,
  freshness: "current",
  digest: "",
});
const bobs = { userId: BOB, deviceId: "PHONE" };
const carols = { userId: CAROL, deviceId: "LAPTOP" };
const claim = { userId: BOB, curve25519: curve25519(phone) };

it.each<[string, string | undefined, UserDeviceKeys | undefined, SenderStatus["claimants"], SenderStatus["state"]]>([
  ["one device of the user", undefined, keysWith(true), [bobs], "device"],
  ["one device of the user, with the ed25519 key in the event", ed25519(phone), keysWith(true), [bobs], "device"],
  ["one device of the user, with another ed25519 key", "other", keysWith(true), [bobs], "key-mismatch"],
  ["a device that has not signed its keys", undefined, keysWith(false), [bobs], "unknown"],
  ["no device", undefined, keysWith(true), [], "unknown"],
  ["a device of a user whose list is not known any more", undefined, undefined, [bobs], "unknown"],
  ["a device of another user", undefined, keysWith(true), [carols], "other-user"],
  ["two devices of the user", undefined, keysWith(true), [bobs, { ...bobs, deviceId: "TWIN" }], "ambiguous"],
  ["a device of the user and one of another", undefined, keysWith(true), [bobs, carols], "ambiguous"],
])("the sender, if the curve25519 key is claimed by %s", (_, key, keys, claimants, state) => {
  const found = senderStatus(key === undefined ? claim : { ...claim, ed25519: key }, keys, claimants);
  expect(found.state).toBe(state);
  expect(found.claimants).toBe(claimants);
  expect(found.identity).toBe(keys?.identity);
  expect(found.deviceId).toBe(state === "device" || state === "key-mismatch" ? "PHONE" : undefined);
});
