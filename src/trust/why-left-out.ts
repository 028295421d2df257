import { deviceKey } from "../keys/device-key.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { IdentityStatus, UserDeviceKeys } from "../model/results.js";
import type { DeviceKeys } from "../model/wire.js";
import type { CompletePolicy } from "./complete-policy.js";
import { isVerificationViolated } from "./is-verification-violated.js";
import type { LeftOutReason } from "./left-out.js";

/**
 * The algorithm for sending room keys. Matrix spec, client-server API, "Messaging Algorithms",
 * "m.olm.v1.curve25519-aes-sha2".
 */
const OLM = "m.olm.v1.curve25519-aes-sha2";

/**
 * Returns why a device of one user is left out, in the order of {@link LeftOutReason}; `undefined` if it gets the
 * message. `device` is `undefined` if the ID was refused and no earlier form of it was kept.
 */
export function whyLeftOut(
  userId: UserId,
  { deviceStatus, rejected, identity }: UserDeviceKeys,
  policy: CompletePolicy,
): (deviceId: DeviceId, device: DeviceKeys | undefined) => LeftOutReason | undefined {
  const ownDeviceId = policy.ownDevice?.userId === userId ? policy.ownDevice.deviceId : undefined;
  const blocked = policy.blocked.get(userId);
  const allDevices = whyUserLeftOut(identity, policy);

  return (deviceId, device) => {
    if (deviceId === ownDeviceId) return "own-device";
    if (rejected.get(deviceId)?.code === "key-changed") return "key-changed";
    if (device === undefined) return "rejected";
    if (deviceKey(device, "curve25519") === undefined) return "no-key";
    if (!device.algorithms.includes(OLM)) return "no-olm";
    if (blocked?.has(deviceId) === true) return "blocked";
    if (allDevices !== undefined) return allDevices;
    const { signedByItself = false, crossSigned = false, dehydrated = false } = deviceStatus.get(deviceId) ?? {};
    if (!policy.unsigned && !signedByItself && !crossSigned) return "unsigned";
    if ((policy.devices === "cross-signed" || dehydrated) && !crossSigned) return "not-cross-signed";
    return policy.excludeDehydrated && dehydrated ? "dehydrated" : undefined;
  };
}

function whyUserLeftOut(identity: IdentityStatus, policy: CompletePolicy): LeftOutReason | undefined {
  if (policy.excludeUnknownIdentities && identity.state === "unknown") return "identity-unknown";
  if (policy.excludeChangedIdentities && identity.state === "changed") return "identity-changed";
  if (policy.excludeChangedIdentities && identity.state === "removed") return "identity-removed";
  return policy.excludeViolations && isVerificationViolated(identity) ? "verification-violated" : undefined;
}
