import type { DeviceKeys, DeviceStatus, UserDeviceKeys } from "matrix-device-tracker";
import type { Segment } from "./output.js";

/** Longest display name that is shown, in characters. */
const MAX_NAME = 80;

export interface DeviceJson {
  readonly deviceId: string;
  /** As its owner typed it; the server does not vouch for it. */
  readonly displayName: string | undefined;
  readonly ed25519: string | undefined;
  readonly curve25519: string | undefined;
  readonly signedByItself: boolean;
  readonly crossSigned: boolean;
  readonly dehydrated: boolean;
}

export function deviceJson(deviceId: string, device: DeviceKeys, status: DeviceStatus | undefined): DeviceJson {
  const { keys, unsigned } = device;
  const displayName: unknown = unsigned?.device_display_name;
  return {
    deviceId,
    displayName: typeof displayName === "string" ? displayName : undefined,
    ed25519: keys[`ed25519:${deviceId}`],
    curve25519: keys[`curve25519:${deviceId}`],
    signedByItself: status?.signedByItself === true,
    crossSigned: status?.crossSigned === true,
    dehydrated: status?.dehydrated === true,
  };
}

/** Returns all devices of a user; the last known ones if their homeserver cannot be reached. */
export function devicesOf({ deviceKeys, lastKnown = deviceKeys, deviceStatus }: UserDeviceKeys): readonly DeviceJson[] {
  return Array.from(lastKnown, ([deviceId, device]) => deviceJson(deviceId, device, deviceStatus.get(deviceId)));
}

export function signedBy({ crossSigned, signedByItself }: DeviceJson): Segment {
  if (crossSigned) return ["green", "signed by its owner"];
  return signedByItself ? ["yellow", "signed by itself only"] : ["red", "not signed"];
}

/** Formats a key in groups of four characters, as clients show it. */
export const grouped = (key: string): string => (key.match(/.{1,4}/gu) ?? []).join(" ");

/** Returns the display name, shortened for a line; empty if there is none. */
export function nameOf({ displayName = "" }: Pick<DeviceJson, "displayName">): string {
  const characters = Array.from(displayName.trim());
  return characters.length <= MAX_NAME ? characters.join("") : `${characters.slice(0, MAX_NAME).join("")}…`;
}
