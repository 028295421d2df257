import { DeviceTrackerError } from "../../model/errors.js";

/**
 * A store did something that `deviceStoreContract()` does not allow. Test runners show `expected` and `actual` as a
 * diff.
 */
export class ContractBrokenError extends DeviceTrackerError {
  override readonly name = "ContractBrokenError";
  constructor(
    /** What was observed, such as `the records under the keys`. */
    what: string,
    readonly expected: unknown,
    readonly actual: unknown,
  ) {
    super(`${what}: expected ${describe(expected)}, but got ${describe(actual)}`);
  }
}

function describe(value: unknown): string {
  const text = value instanceof Error ? String(value) : JSON.stringify(value, withCollections);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function withCollections(_key: string, value: unknown): unknown {
  if (value === undefined) return "(undefined)";
  if (value instanceof Map) return { Map: [...value] };
  if (value instanceof Set) return { Set: [...value] };
  return value;
}
