import type { KeyEvent, KeyEventType } from "matrix-device-tracker";

/** Events after which the key is the pinned one. */
const PINS: ReadonlySet<KeyEventType> = new Set(["first-seen", "accepted", "acknowledged", "confirmed"]);

/**
 * The master key that a person has confirmed to be our own, according to our own history; `undefined` if there is none,
 * or another one was acknowledged since.
 */
export function confirmedKey(history: readonly KeyEvent[]): string | undefined {
  const pinned = history.filter(({ kind, type }) => kind === "master" && PINS.has(type));
  const key = pinned.at(-1)?.key;
  // To acknowledge a confirmed key does not weaken it.
  const since = pinned.slice(pinned.findLastIndex((event) => event.key !== key) + 1);
  return since.some(({ type }) => type === "confirmed") ? key : undefined;
}
