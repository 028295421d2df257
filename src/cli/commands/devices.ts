import type { UserDeviceKeys } from "matrix-device-tracker";
import type { CommandContext } from "../command.js";
import { devicesOf, grouped, nameOf, signedBy } from "../describe-device.js";
import { lastValue } from "../last-value.js";
import { openTracker } from "../open-tracker.js";
import type { Output } from "../output.js";
import { count, doubt, identityWords } from "../words.js";

/** Lists the devices of users, as their servers list them now. */
export async function devices(context: CommandContext, users: readonly string[]): Promise<number> {
  const { tracker } = await openTracker(context);
  const { output, options } = context;
  // Saved lists would be as of the last sync.
  const lists = await lastValue(tracker.getDeviceKeys(users, { forceDownload: true }));
  for (const [userId, list] of lists) {
    if (options.json) output.json(userJson(userId, list));
    else print(output, userId, list);
  }
  return Array.from(lists.values()).some(({ freshness }) => freshness === "unreachable") ? 1 : 0;
}

function userJson(userId: string, list: UserDeviceKeys) {
  const { freshness, identity, rejected } = list;
  return {
    userId,
    isReachable: freshness !== "unreachable",
    identity,
    devices: devicesOf(list),
    rejected: Array.from(rejected, ([deviceId, { code, detail }]) => ({ deviceId, code, detail })),
  };
}

function print(output: Output, userId: string, list: UserDeviceKeys): void {
  if (list.freshness === "unreachable" && list.lastKnown === undefined) {
    output.line(["bold", userId], ": ", ["yellow", "their homeserver cannot be reached"]);
    return;
  }
  const all = devicesOf(list);
  output.line(["bold", userId], ": ", count(all.length, "device"), ", ", identityWords(list.identity));
  const doubted = doubt(list.freshness);
  if (doubted !== undefined) output.line("  ", ["yellow", doubted]);
  const width = Math.max(0, ...all.map(({ deviceId }) => deviceId.length));
  for (const device of all) {
    output.line("  ", ["cyan", device.deviceId.padEnd(width)], "  ", signedBy(device), "  ", nameOf(device));
    output.line("  ", " ".repeat(width), "  ", ["dim", grouped(device.ed25519 ?? "no ed25519 key")]);
  }
  for (const [deviceId, { detail }] of list.rejected) output.line("  ", ["red", `${deviceId} is refused: ${detail}`]);
}
