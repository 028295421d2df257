import { isObject } from "../model/json.js";

/** The name of a property whose value is in each row, or the property itself if it is the same in all objects. */
type Column = string | readonly [name: string, value: unknown];

/** Objects that all have the same properties. */
type Table = readonly [columns: readonly Column[], ...rows: unknown[][]];

/** The objects as a table; `undefined` if they do not have the same properties. */
export function toTable(objects: readonly unknown[]): Table | undefined {
  const [first] = objects;
  if (objects.length < 2 || !isRecord(first)) return undefined;
  const names = Object.keys(first);
  const haveSameNames = objects.every(
    (one) =>
      isRecord(one) && Object.keys(one).length === names.length && names.every((name) => Object.hasOwn(one, name)),
  );
  if (!haveSameNames || names.includes("__proto__")) return undefined;
  const records = objects as readonly Readonly<Record<string, unknown>>[];
  const isCommon = (name: string) => records.every((one) => isSame(one[name], first[name]));
  const columns = names.map((name): Column => (isCommon(name) ? [name, first[name]] : name));
  const differing = columns.filter((column) => typeof column === "string");
  return [columns, ...records.map((one) => differing.map((name) => one[name]))];
}

/** The objects of a table. A value that is the same in all of them is one value. */
export function fromTable([columns, ...rows]: Table): Record<string, unknown>[] {
  return rows.map((row) => {
    const object: Record<string, unknown> = {};
    let at = 0;
    for (const column of columns) {
      if (typeof column === "string") object[column] = row[at++];
      else object[column[0]] = column[1];
    }
    return object;
  });
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && Object.getPrototypeOf(value) === Object.prototype;

/** Whether two values are the same text, number or flag, or lists of the same texts. */
function isSame(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return Object.is(a, b) && typeof a !== "object";
  // A copy has no holes, which `every` would take for whatever is in the other list.
  return a.length === b.length && [...(a as unknown[])].every((item, i) => item === b[i] && typeof item === "string");
}
