import { isObject } from "../model/json.js";
import { namesOf, own } from "./json.js";

interface Kind {
  readonly is: (value: unknown) => boolean;
  /** Follows "expected" in an error message. */
  readonly expected: string;
}

/** Properties of an object, in the order in which they are checked; other properties may be anything. */
export type Shape = readonly (readonly [name: string, kind: Kind, presence?: "optional"])[];

const isText = (value: unknown): value is string => typeof value === "string";
const areTexts = (value: unknown): boolean => isObject(value) && namesOf(value).every((name) => isText(value[name]));
const areSignatures = (value: unknown): boolean =>
  isObject(value) && namesOf(value).every((name) => areTexts(value[name]));

export const TEXT: Kind = { is: isText, expected: "a string" };
export const LIST_OF_TEXTS: Kind = {
  is: (value) => Array.isArray(value) && value.every(isText),
  expected: "an array of strings",
};
export const TEXTS_BY_NAME: Kind = { is: areTexts, expected: "an object of strings" };
export const SIGNATURES: Kind = { is: areSignatures, expected: "signatures by user and key" };
export const OBJECT: Kind = { is: isObject, expected: "an object" };

/**
 * Returns the first problem with the value's shape, such as `algorithms: expected an array of strings`, or `undefined`.
 * It never contains a part of the value, which could be long.
 */
export function shapeProblem(shape: Shape, value: unknown): string | undefined {
  if (!isObject(value)) return "expected an object";
  for (const [name, { is, expected }, presence] of shape) {
    const given = own(value, name);
    if (!is(given) && !(given === undefined && presence === "optional")) return `${name}: expected ${expected}`;
  }
  return undefined;
}

/** Shortens a string from the wire for a message. */
export const shortened = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** The same, in quotes. */
export const quote = (text: string): string => JSON.stringify(shortened(text));
