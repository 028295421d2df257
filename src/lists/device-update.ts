import { deviceKey } from "../keys/device-key.js";
import type { DeviceId, UserId } from "../model/ids.js";
import type { DeviceStatus, RejectionReason } from "../model/results.js";
import type { DeviceUpdate } from "../model/updates.js";
import type { DeviceKeys } from "../model/wire.js";
import { sameContent, type DeviceList } from "../trust/device-list.js";
import { identityStatus, NO_IDENTITY } from "../trust/identity.js";
import { sameJson } from "../keys/json.js";

/** Compares two lists of a user. Returns `undefined` if nothing that is reported has changed. */
export function deviceUpdate(
  userId: UserId,
  before: DeviceList | undefined,
  after: DeviceList,
  ourKey: string | undefined,
): DeviceUpdate | undefined {
  const changes = { ...comparedDevices(before, after), refused: newlyRefused(before, after) };
  const identity = identityStatus(after.identity, ourKey);
  const identityChanged = !sameJson(identity, identityStatus(before?.identity ?? NO_IDENTITY, ourKey));
  const { added, removed, renamed, crossSigned, rekeyed, changed, refused } = changes;
  const lists = [added, removed, renamed, crossSigned, rekeyed, changed];
  const count = lists.reduce((sum, { length }) => sum + length, refused.size);
  if (count === 0 && !identityChanged) return undefined;
  return { userId, ...changes, ...(identityChanged && { identity }) };
}

type DeviceChanges = Pick<DeviceUpdate, "added" | "removed" | "renamed" | "crossSigned" | "rekeyed" | "changed">;

function comparedDevices(before: DeviceList | undefined, after: DeviceList): DeviceChanges {
  const added: DeviceId[] = [];
  const renamed: DeviceId[] = [];
  const crossSigned: DeviceId[] = [];
  const rekeyed: DeviceId[] = [];
  const changed: DeviceId[] = [];
  for (const [deviceId, device] of after.deviceKeys) {
    const old = before?.deviceKeys.get(deviceId);
    if (old === undefined) {
      added.push(deviceId);
      continue;
    }
    const was = before?.deviceStatus.get(deviceId);
    const is = after.deviceStatus.get(deviceId);
    if (!sameJson(displayName(old), displayName(device))) renamed.push(deviceId);
    if (was?.crossSigned === false && is?.crossSigned === true) crossSigned.push(deviceId);
    if (deviceKey(old, "ed25519") !== deviceKey(device, "ed25519")) rekeyed.push(deviceId);
    else if (hasLostSignature(was, is) || !sameContent(old, device)) changed.push(deviceId);
  }
  const removed = Array.from(before?.deviceKeys.keys() ?? []).filter((deviceId) => !after.deviceKeys.has(deviceId));
  return { added, removed, renamed, crossSigned, rekeyed, changed };
}

const hasLostSignature = (was: DeviceStatus | undefined, is: DeviceStatus | undefined): boolean =>
  (was?.crossSigned === true && is?.crossSigned === false) ||
  (was?.signedByItself === true && is?.signedByItself === false);

function newlyRefused(before: DeviceList | undefined, after: DeviceList): ReadonlyMap<DeviceId, RejectionReason> {
  return new Map(
    Array.from(after.rejected).filter(([deviceId, { code }]) => before?.rejected.get(deviceId)?.code !== code),
  );
}

const displayName = ({ unsigned }: DeviceKeys): unknown => unsigned?.device_display_name;
