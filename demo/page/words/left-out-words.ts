import type { LeftOutDevice } from "matrix-device-tracker";
import type { Roster } from "../people/roster.js";
import { nameOf } from "./device-name.js";
import { nameThem } from "./names.js";
import { LEFT_OUT, REFUSALS } from "./trust-words.js";

/** What a device that gets no messages is called, and why it gets none. */
export function leftOutWords(
  roster: Roster,
  { userId, deviceId, reason }: LeftOutDevice,
): { readonly name: string; readonly why: string } {
  const person = roster.get(userId);
  const device = person?.devices.get(deviceId);
  const refusal = person?.rejected.get(deviceId);
  return {
    name: device === undefined ? `${nameThem([userId])}’s ${deviceId}` : nameOf(deviceId, device),
    why:
      reason === "rejected" && refusal !== undefined ? `refused, because ${REFUSALS[refusal.code]}` : LEFT_OUT[reason],
  };
}
