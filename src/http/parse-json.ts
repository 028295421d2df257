import { nextTask } from "../page/next-task.js";
import { jsonPieces, type JsonPiecesOptions } from "./json-pieces.js";

/** How long a slice of the work takes, in ms: half of the time between two frames. */
const SLICE_TIME = 8;
/** Characters that are parsed at once, which takes a few ms, or 30 at worst. */
const SHORT = 524_288;

export const isLong = (data: unknown): data is string => typeof data === "string" && data.length > SHORT;

/**
 * Parses a JSON text. A text that is not JSON, such as a proxy's page, and anything other than text stay as they are.
 */
export function parseAtOnce(data: unknown): unknown {
  if (typeof data !== "string" || data === "") return data;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return data;
  }
}

/**
 * Like {@link parseAtOnce}, but without blocking the page: in slices, each in a task of its own.
 * @param isWanted called before each slice; if it returns false, the result is `undefined`
 */
export async function parseInSlices(
  text: string,
  isWanted: () => boolean,
  options: JsonPiecesOptions = {},
): Promise<unknown> {
  try {
    const pieces = jsonPieces(text, options);
    while (isWanted()) {
      const until = performance.now() + SLICE_TIME;
      let piece = pieces.next();
      while (piece.done !== true && performance.now() < until) piece = pieces.next();
      if (piece.done === true) return piece.value;
      await nextTask();
    }
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
