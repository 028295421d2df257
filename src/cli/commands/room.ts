import type { RoomRecipients } from "matrix-device-tracker/rooms";
import type { CommandContext } from "../command.js";
import { deviceJson, nameOf } from "../describe-device.js";
import { Failure } from "../failure.js";
import { lastValue } from "../last-value.js";
import { caughtUp, openTracker } from "../open-tracker.js";
import type { Output } from "../output.js";
import { count, LEFT_OUT } from "../words.js";

/** Lists which devices would get a message in a room now, and which would not. */
export async function room(context: CommandContext, [name = ""]: readonly string[]): Promise<number> {
  const { session, output, options } = context;
  const roomId = name.startsWith("#") ? await roomOf(context, name) : name;
  const opened = await openTracker(context);
  await caughtUp(opened, context);
  output.status("looking up members and their devices");
  const { userId, deviceId } = session;
  const now = await lastValue(opened.rooms.recipients(roomId, { ownDevice: { userId, deviceId } }));
  if (options.json) output.json(roomJson(now));
  else print(output, now);
  return 0;
}

async function roomOf({ session }: CommandContext, alias: string): Promise<string> {
  const { data } = await session.http.get<{ readonly room_id?: unknown }>(
    `/directory/room/${encodeURIComponent(alias)}`,
  );
  if (typeof data.room_id !== "string") throw new Failure(`the server did not say which room ${alias} is`);
  return data.room_id;
}

function roomJson(now: RoomRecipients) {
  const { roomId, joined, invited, encryption, historyVisibility, leftOut, uncertain, unlisted } = now;
  const devices = now.devices.map(({ userId, deviceId, device }) => {
    const { displayName, ed25519, curve25519 } = deviceJson(deviceId, device, undefined);
    return { userId, deviceId, displayName, ed25519, curve25519 };
  });
  return { roomId, encryption, historyVisibility, joined, invited, devices, leftOut, uncertain, unlisted };
}

function print(output: Output, now: RoomRecipients): void {
  const { roomId, joined, invited, historyVisibility, devices, leftOut, uncertain } = now;
  output.line(
    ["bold", roomId],
    `: ${count(joined.length, "member")}, ${invited.length} invited, history visibility: ${historyVisibility}`,
  );
  output.line(["green", `A message would reach ${count(devices.length, "device")}:`]);
  for (const { userId, deviceId, device } of devices)
    output.line("  ", userId, " ", ["cyan", deviceId], " ", nameOf(deviceJson(deviceId, device, undefined)));
  if (leftOut.length > 0) output.line(["yellow", `It would not reach ${count(leftOut.length, "device")}:`]);
  for (const { userId, deviceId, reason } of leftOut)
    output.line("  ", userId, " ", ["cyan", deviceId], ": ", LEFT_OUT[reason]);
  if (uncertain.length > 0)
    output.line(["yellow", `${count(uncertain.length, "user")} with a list that may be wrong or incomplete:`]);
  for (const userId of uncertain) output.line("  ", userId);
}
