/**
 * True if two structured-cloneable values are equal: the same types, properties, entries and elements, in any order for
 * objects, Maps and Sets. Errors are equal only if they are the same object.
 */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (kindOf(a) !== kindOf(b) || a instanceof Error) return false;
  if (a instanceof Map) return sameEntries(a, b as Map<unknown, unknown>);
  if (a instanceof Set) return sameEntries(new Map(a.entries()), new Map((b as Set<unknown>).entries()));
  if (ArrayBuffer.isView(a)) return sameElements(bytesOf(a), bytesOf(b as ArrayBufferView));
  if (Array.isArray(a)) return sameElements(a, b as unknown[]);
  return sameEntries(new Map(Object.entries(a)), new Map(Object.entries(b)));
}

/** Such as `Map` or `Uint8Array`. A plain object is an `Object`, whatever its prototype: clones get a new one. */
const kindOf = (value: object): string => Object.prototype.toString.call(value).slice("[object ".length, -1);

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): readonly number[] =>
  Array.from(new Uint8Array(buffer, byteOffset, byteLength));

const sameElements = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((element, i) => deepEqual(element, b[i]));

const sameEntries = (a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean =>
  a.size === b.size && Array.from(a).every(([key, value]) => b.has(key) && deepEqual(value, b.get(key)));
