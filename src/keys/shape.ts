import * as v from "valibot";
import { isObject } from "../model/json.js";

// valibot's own `record` and `looseObject` drop names such as `__proto__`. These checks look at every property, and
// only ever answer yes or no: the original object is kept with all its unknown properties, because signatures cover
// them.

/** Whether a value is an object of strings. */
export const areStrings = (value: unknown): value is Record<string, string> =>
  isObject(value) && Object.values(value).every((item) => typeof item === "string");

/** Whether a value is signatures by user ID and key ID. */
export const areSignatures = (value: unknown): value is Record<string, Record<string, string>> =>
  isObject(value) && Object.values(value).every(areStrings);

export const strings = v.custom<Record<string, string>>(areStrings, "expected an object of strings");
export const signatures = v.custom<Record<string, Record<string, string>>>(
  areSignatures,
  "expected signatures by user and key",
);

/** Any object. */
export const object = v.custom<Record<string, unknown>>(isObject, "expected an object");

/**
 * The first thing that is wrong with the value's shape and where, such as `algorithms: expected Array`; `undefined` if
 * nothing is.
 */
export function shapeProblem(shape: v.GenericSchema, value: unknown): string | undefined {
  const { issues } = v.safeParse(shape, value, { abortEarly: true });
  if (issues === undefined) return undefined;
  const [issue] = issues;
  const path = v.getDotPath(issue);
  // Never valibot's own message: it repeats the value it received, however long that is.
  const problem = issue.type === "custom" ? issue.message : `expected ${issue.expected ?? "something else"}`;
  return path === null ? problem : `${path}: ${problem}`;
}

/** Quotes a string from the wire, cut short enough for a message. */
export const quote = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
