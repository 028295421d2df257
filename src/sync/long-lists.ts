import { MAX_USERS_AT_ONCE } from "../model/batch-sizes.js";
import { inPartsOf } from "../model/in-parts.js";
import { isObject } from "../model/json.js";
import type { SyncStep } from "../store/change.js";

/**
 * Splits long lists of a response, as sent, into parts that can be processed one after the other: `left` after
 * `changed`, because a user in both has left. Anything that is not long, or not lists, is one part.
 */
export function splitLists(lists: unknown): readonly unknown[] {
  if (!isObject(lists)) return [lists];
  const { changed, left } = lists;
  if (lengthOf(changed) + lengthOf(left) <= MAX_USERS_AT_ONCE) return [lists];
  const parts = (value: unknown): readonly unknown[] =>
    Array.isArray(value) ? inPartsOf(MAX_USERS_AT_ONCE, value as readonly unknown[]) : [value ?? []];
  return [...parts(changed).map((some) => ({ changed: some })), ...parts(left).map((some) => ({ left: some }))];
}

/** Splits a long step into parts; the last one moves the token. */
export function splitStep(step: SyncStep): readonly SyncStep[] {
  const { since, changed, left } = step;
  if (changed.length + left.length <= MAX_USERS_AT_ONCE) return [step];
  const part: SyncStep = { type: "step", since, next: since, changed: [], left: [], isPartial: true };
  return [
    ...inPartsOf(MAX_USERS_AT_ONCE, changed).map((some) => ({ ...part, changed: some })),
    ...inPartsOf(MAX_USERS_AT_ONCE, left).map((some) => ({ ...part, left: some })),
    { ...step, changed: [], left: [] },
  ];
}

const lengthOf = (value: unknown): number => (Array.isArray(value) ? value.length : 0);
