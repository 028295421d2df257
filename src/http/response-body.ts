import type { AxiosResponse } from "axios";
import { InvalidResponseError } from "../model/errors.js";
import { isObject } from "../model/json.js";
import { redact, tokenOf } from "./redact.js";
import { redirectOf } from "./redirect.js";

/** Longest quote of a body, in characters. */
const MAX_QUOTED = 80;

/**
 * Returns the body of a successful response.
 *
 * Checks it, because a captive portal or a broken proxy also responds with 200, with a page or with an error.
 *
 * @param isContent true if it is the content of an event, which may have any property, even `errcode`
 * @throws InvalidResponseError if it is not an object, or is an error
 */
export function bodyOf(
  endpoint: string,
  response: AxiosResponse<unknown>,
  isContent = false,
): Readonly<Record<string, unknown>> {
  const { data, config } = response;
  const token = tokenOf(config);
  const redirect = redirectOf(response);
  const source = redirect === undefined ? "" : ` from ${redirect}, to which the request was redirected`;
  if (!isObject(data))
    throw new InvalidResponseError(
      endpoint,
      "",
      `a JSON object, not ${describe(data, token)}${source}: ` +
        "check homeserverUrl, and whether the network requires a log-in",
    );
  if (!isContent && Object.hasOwn(data, "errcode")) {
    const found = typeof data.errcode === "string" ? JSON.stringify(excerpt(data.errcode, token)) : typeof data.errcode;
    throw new InvalidResponseError(endpoint, "errcode", `absent from a successful response, but is ${found}${source}`);
  }
  return data;
}

function describe(data: unknown, token: string | undefined): string {
  if (data === undefined || data === "") return "an empty body";
  if (Array.isArray(data)) return "an array";
  if (typeof data !== "string") return JSON.stringify(data);
  return `${/^\s*</u.test(data) ? "HTML" : "text"} (${JSON.stringify(excerpt(data, token))})`;
}

/** Returns the beginning of a text, with single spaces and without the access token. */
function excerpt(text: string, token: string | undefined): string {
  const line = redact(text, token)
    .slice(0, 10 * MAX_QUOTED)
    .trim()
    .replace(/\s+/gu, " ");
  return line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED)}…` : line;
}
