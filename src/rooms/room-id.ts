import { shown } from "../model/shown.js";

/** Whether a value can be a room ID: `!…`. From room version 12 on, it has no server name. */
export const isRoomId = (value: unknown): boolean => typeof value === "string" && /^!./su.test(value);

/** @throws TypeError if the value cannot be a room ID */
export function requireRoomId(value: unknown): void {
  if (isRoomId(value)) return;
  const isAlias = typeof value === "string" && value.startsWith("#");
  const advice = isAlias ? ": resolve the alias first (GET /directory/room/{roomAlias})" : "";
  throw new TypeError(`roomId should be a room ID such as "!room:example.org", not ${shown(value)}${advice}`);
}
