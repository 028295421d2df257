import { MatrixRefusal } from "./matrix-refusal.mjs";

/** The longest body that is read, in bytes. */
const LONGEST_BODY = 1_000_000;

/**
 * The body of a POST or PUT request; an empty object for other methods.
 *
 * @param {import("node:http").IncomingMessage} request
 * @returns {Promise<Record<string, any>>}
 */
export async function readJson(request) {
  if (request.method !== "POST" && request.method !== "PUT") return {};
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? ""))
    throw new MatrixRefusal(415, "M_NOT_JSON", "the body should be application/json");
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LONGEST_BODY) throw new MatrixRefusal(413, "M_TOO_LARGE", "the body is too long");
    chunks.push(chunk);
  }
  const body = parse(Buffer.concat(chunks).toString() || "{}");
  if (body === null || typeof body !== "object" || Array.isArray(body))
    throw new MatrixRefusal(400, "M_NOT_JSON", "the body should be a JSON object");
  return body;
}

/** @param {string} text @returns {any} `undefined` if it is not JSON */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
