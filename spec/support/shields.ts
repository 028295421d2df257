import type { DeviceKeysByUser, UserDeviceKeys } from "../../src/model/results.js";
import type { DeviceUpdate } from "../../src/model/updates.js";
import type { DeviceKeys } from "../../src/model/wire.js";
import { edName, keyOf } from "./signed.js";
import { localpart } from "./summary.js";

/**
 * A result in one line for each user: devices (`s` signed by itself, `x` cross-signed, the name of the key if it is not the device's own), `!` refused
 * devices, the identity and the freshness, such as `bob PHONE:sx OLD(stolen):s !TABLET:unsigned changed current`.
 */
export const shields = (users: DeviceKeysByUser): readonly string[] =>
  Array.from(users, ([userId, result]) => `${localpart(userId)} ${oneUser(result)}`);

function oneUser({ deviceKeys, deviceStatus, rejected, identity, freshness }: UserDeviceKeys): string {
  const devices = Array.from(deviceKeys.values(), (device) => {
    const { signedByItself = false, crossSigned = false } = deviceStatus.get(device.device_id) ?? {};
    return `${device.device_id}${otherKey(device)}:${signedByItself ? "s" : ""}${crossSigned ? "x" : ""}`;
  });
  const refused = Array.from(rejected, ([deviceId, { code }]) => `!${deviceId}:${code}`);
  return [...devices, ...refused, `${identity.state}${identity.verified ? "+verified" : ""}`, freshness].join(" ");
}

function otherKey({ user_id: userId, device_id: deviceId, keys }: DeviceKeys): string {
  const key = keys[`ed25519:${deviceId}`] ?? "";
  const name = /^(.*?)x{8,}A$/u.exec(key)?.[1]; // otherwise it is not a key of keyOf
  return name === undefined || key === keyOf(edName(userId, deviceId)) ? "" : `(${name})`;
}

/** An update in one line, such as `bob added B1,B2 refused B3:key-changed identity changed`. */
export function updateLine({ userId, refused, identity, ...lists }: DeviceUpdate): string {
  const named = (["added", "removed", "renamed", "crossSigned", "changed"] as const).flatMap((name) =>
    lists[name].length === 0 ? [] : [`${name} ${lists[name].join(",")}`],
  );
  const refusals = Array.from(refused, ([deviceId, { code }]) => `refused ${deviceId}:${code}`);
  return [
    localpart(userId),
    ...named,
    ...refusals,
    ...(identity === undefined ? [] : [`identity ${identity.state}${identity.verified ? "+verified" : ""}`]),
  ].join(" ");
}
