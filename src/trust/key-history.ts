import { MAX_KEY_EVENTS_PER_USER } from "../keys/limits.js";
import type { KeyEvent } from "../model/key-event.js";

const identify = ({ type, kind, key, deviceId, at }: KeyEvent): string =>
  JSON.stringify([type, kind, key, deviceId, at]);

/** Two histories as one, in the order of time. Events that both have, which may have the same beginning, are there once. */
export function mergeHistories(a: readonly KeyEvent[] = [], b: readonly KeyEvent[] = []): readonly KeyEvent[] {
  const known = new Set(a.map(identify));
  const added = b.filter((event) => !known.has(identify(event)));
  if (added.length === 0) return a;
  return appendEvents(
    [],
    [...a, ...added].sort((one, other) => one.at - other.at),
  );
}

/**
 * Appends events to a history. At the limit, the oldest events of devices make room, then the oldest of all: a hostile
 * user can fill it with devices, and not hide what became of the identity.
 */
export function appendEvents(history: readonly KeyEvent[] = [], events: readonly KeyEvent[]): readonly KeyEvent[] {
  const all = [...history, ...events];
  let excess = all.length - MAX_KEY_EVENTS_PER_USER;
  if (excess <= 0) return all;
  const kept = all.filter(({ deviceId }) => deviceId === undefined || excess-- <= 0);
  return kept.slice(-MAX_KEY_EVENTS_PER_USER);
}
