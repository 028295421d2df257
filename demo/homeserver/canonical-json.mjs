/**
 * The bytes that a Matrix signature covers: object keys sorted, no white space.
 *
 * It covers what this homeserver signs (ASCII keys; strings, arrays and objects as values), not all of JSON.
 * Matrix spec, appendices, "Canonical JSON".
 *
 * @param {unknown} value
 * @returns {string}
 */
export function canonicalJson(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(",")}}`;
}
