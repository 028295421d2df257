import type { DeviceUpdate, IdentityStatus, UserDeviceKeys } from "matrix-device-tracker";
import { devicesOf, type DeviceJson } from "./describe-device.js";

/** A change of a device list, as `watch --json` prints it. */
export type DeviceEvent = { readonly userId: string } & (
  | ({ readonly type: "added" | "renamed" | "cross-signed" | "rekeyed" | "changed" } & DeviceJson)
  | { readonly type: "removed"; readonly deviceId: string }
  | { readonly type: "refused"; readonly deviceId: string; readonly code: string; readonly detail: string }
  | { readonly type: "identity"; readonly identity: IdentityStatus }
  /** The server no longer announces this user, since they share no room with us. */
  | { readonly type: "left" }
);

/** Returns the changes in an update. @param list the user's list after it */
export function eventsIn(update: DeviceUpdate, list: UserDeviceKeys | undefined): readonly DeviceEvent[] {
  const { userId, added, removed, renamed, crossSigned, rekeyed, changed, refused, identity } = update;
  const known = new Map((list === undefined ? [] : devicesOf(list)).map((device) => [device.deviceId, device]));
  const of = (type: "added" | "renamed" | "cross-signed" | "rekeyed" | "changed", ids: readonly string[]) =>
    ids.flatMap((deviceId): DeviceEvent[] => {
      const device = known.get(deviceId); // it may be gone again
      return device === undefined ? [] : [{ type, userId, ...device }];
    });
  return [
    ...of("added", added),
    ...removed.map((deviceId): DeviceEvent => ({ type: "removed", userId, deviceId })),
    ...of("renamed", renamed),
    ...of("cross-signed", crossSigned),
    ...of("rekeyed", rekeyed),
    ...of("changed", changed),
    ...Array.from(refused, ([deviceId, { code, detail }]): DeviceEvent => ({
      type: "refused",
      userId,
      deviceId,
      code,
      detail,
    })),
    ...(identity === undefined ? [] : [{ type: "identity", userId, identity } as const]),
  ];
}
