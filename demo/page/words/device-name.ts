import type { DeviceId, DeviceKeys } from "matrix-device-tracker";

/** A display name is whatever its owner typed. */
export const nameOf = (id: DeviceId, { unsigned }: DeviceKeys): string =>
  (typeof unsigned?.device_display_name === "string" && unsigned.device_display_name) || id;
