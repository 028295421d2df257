/** The entries of a map whose keys are not among these. */
export function without<Key, Value>(
  map: ReadonlyMap<Key, Value> | undefined,
  keys: { readonly has: (key: Key) => boolean },
): Map<Key, Value> {
  return new Map(Array.from(map ?? []).filter(([key]) => !keys.has(key)));
}
