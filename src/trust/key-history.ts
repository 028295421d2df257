import { MAX_KEY_EVENTS_PER_USER } from "../keys/limits.js";
import type { KeyEvent } from "../model/key-event.js";

const identify = ({ type, kind, key, deviceId, at }: KeyEvent): string =>
  JSON.stringify([type, kind, key, deviceId, at]);

/** Merges two histories by time. Events in both, which may have the same beginning, are kept once. */
export function mergeHistories(a: readonly KeyEvent[] = [], b: readonly KeyEvent[] = []): readonly KeyEvent[] {
  const known = new Set(a.map(identify));
  const added = b.filter((event) => !known.has(identify(event)));
  if (added.length === 0) return a;
  return appendEvents(
    [],
    [...a, ...added].sort((one, other) => one.at - other.at),
  );
}

/** True if an event changed nothing: the server can cause any number of them. */
const isNoise = ({ type }: KeyEvent): boolean => type === "shown" || type === "returned";

/**
 * Appends events to a history. At the limit, the oldest events of devices are dropped first, then keys that were only
 * shown, then the oldest of all. So however a server and a hostile user fill it, what happened to the identity stays
 * visible.
 */
export function appendEvents(history: readonly KeyEvent[] = [], events: readonly KeyEvent[]): readonly KeyEvent[] {
  const all = [...history, ...events];
  const excess = all.length - MAX_KEY_EVENTS_PER_USER;
  if (excess <= 0) return all;
  const ofDevices = all.filter(({ deviceId }) => deviceId !== undefined);
  const noise = all.filter((event) => event.deviceId === undefined && isNoise(event));
  const dropped = new Set([...ofDevices, ...noise].slice(0, excess));
  return all.filter((event) => !dropped.has(event)).slice(-MAX_KEY_EVENTS_PER_USER);
}
