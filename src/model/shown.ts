/** Formats a value of any type for an error message: `"all"`, `null`, `[object Map]`. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function" || (typeof value === "object" && value !== null))
    return Object.prototype.toString.call(value);
  return String(value);
}
