import type { DeviceId, DeviceKeys } from "matrix-device-tracker";

/** The display name, as its owner typed it, or the ID. */
export const nameOf = (id: DeviceId, { unsigned }: DeviceKeys): string =>
  (typeof unsigned?.device_display_name === "string" && unsigned.device_display_name) || id;
