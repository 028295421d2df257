import { DeviceTrackerError } from "../model/errors.js";

/** What goes over the channel of an error. */
export interface DescribedError {
  readonly name: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, Primitive>>;
}
type Primitive = string | number | boolean | null;

/**
 * The shared source failed in another tab: what the original error said, with its `name`, its `message` and its fields.
 *
 * It is no instance of the original's class, so tell errors by their fields, which every tab sees alike.
 *
 * @example
 * tracker.synced$.subscribe({ error: ({ errcode }) => { if (errcode === "M_UNKNOWN_TOKEN") showLogin(); } });
 */
export class OtherTabError extends DeviceTrackerError {
  /** The original error's, such as `MatrixError`. */
  override readonly name: string;
  /** The original error's own fields that are strings, numbers, booleans or null, such as `errcode` and `status`. */
  readonly [field: string]: unknown;

  constructor({ name, message, fields }: DescribedError) {
    super(message);
    Object.assign(this, fields);
    this.name = name;
  }
}

/** Describes what was thrown. Objects stay here, the `cause` among them: they may hold what cannot be cloned, or a request with its access token. */
export function describeError(thrown: unknown): DescribedError {
  const { name, message } = thrown instanceof Error ? thrown : { name: "Error", message: String(thrown) };
  const fields =
    typeof thrown === "object" && thrown !== null
      ? Object.entries(thrown).filter((field): field is [string, Primitive] => isPrimitive(field[1]))
      : [];
  return { name, message, fields: Object.fromEntries(fields) };
}

function isPrimitive(value: unknown): value is Primitive {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
