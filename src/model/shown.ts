/** A value of any type, as an error message shows it: `"all"`, `null`, `[object Map]`. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function" || (typeof value === "object" && value !== null))
    return Object.prototype.toString.call(value);
  return String(value);
}
