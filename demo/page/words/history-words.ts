import type { DeviceId, KeyEvent, KeyEventType } from "matrix-device-tracker";
import { together } from "./names.js";

/** What became of one or more keys at one time. */
export interface HistoryLine {
  readonly type: KeyEventType;
  readonly at: number;
  /** A sentence. */
  readonly text: string;
  /** Whether a person should look at it. */
  readonly grave: boolean;
}

/** A history in plain words, the latest first. */
export function historyLines(
  history: readonly KeyEvent[],
  nameOf: (deviceId: DeviceId) => string,
): readonly HistoryLine[] {
  return grouped(history)
    .map((events): HistoryLine => {
      const [{ type, at, kind }] = events;
      const grave = (type === "shown" || type === "returned") && kind !== "self-signing";
      return { type, at, grave, text: sentence(events, nameOf) };
    })
    .reverse();
}

type Group = readonly [KeyEvent, ...KeyEvent[]];

/** Keys that were first seen in one answer are one line; each other event is a line of its own. */
function grouped(history: readonly KeyEvent[]): readonly Group[] {
  const groups: [KeyEvent, ...KeyEvent[]][] = [];
  for (const event of history) {
    const last = groups.at(-1);
    if (event.type === "first-seen" && last?.[0].type === "first-seen" && last[0].at === event.at) last.push(event);
    else groups.push([event]);
  }
  return groups;
}

function sentence(events: Group, nameOf: (deviceId: DeviceId) => string): string {
  const [{ type, kind, deviceId }] = events;
  const device = deviceId === undefined ? "" : nameOf(deviceId);
  if (type === "first-seen") return `First seen: ${together(events.map((event) => thing(event, nameOf)))}.`;
  if (kind === "device") return DEVICES[type](device);
  return (kind === "master" ? IDENTITY : SIGNING_KEY)[type];
}

function thing({ kind, deviceId = "" }: KeyEvent, nameOf: (deviceId: DeviceId) => string): string {
  if (kind === "device") return nameOf(deviceId);
  return kind === "master" ? "the identity" : "its key for signing devices";
}

type Later = Exclude<KeyEventType, "first-seen">;

const IDENTITY: Readonly<Record<Later, string>> = {
  shown: "The server returned another identity. The known one stays until you acknowledge the other.",
  accepted: "A new identity was accepted: your own has signed it.",
  returned: "The server returned an identity that had been replaced.",
  acknowledged: "You acknowledged the identity.",
  confirmed: "You confirmed that this identity is your own.",
  forgotten: "The identity was forgotten.",
};

const SIGNING_KEY: Readonly<Record<Later, string>> = {
  shown: "The server returned another key for signing devices.",
  accepted: "Another key signs devices.",
  returned: "An earlier key signs devices again.",
  acknowledged: "You acknowledged the key for signing devices.",
  confirmed: "You confirmed the key for signing devices.",
  forgotten: "The key for signing devices was forgotten.",
};

const DEVICES: Readonly<Record<Later, (device: string) => string>> = {
  shown: (device) => `The server returned another key for ${device}. It was refused.`,
  accepted: (device) => `${device} has new keys, signed by its owner’s identity.`,
  returned: (device) => `The server returned a key of ${device} that had been replaced. It was refused.`,
  acknowledged: (device) => `You acknowledged a key of ${device}.`,
  confirmed: (device) => `You confirmed a key of ${device}.`,
  forgotten: (device) => `You chose to forget ${device}.`,
};
