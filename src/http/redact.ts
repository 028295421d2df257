import axios, { type InternalAxiosRequestConfig } from "axios";

/** Replaces the access token in texts. */
const PLACEHOLDER = "<access token>";
/** Shorter tokens, in characters, can be part of a word by chance. Those of real servers are longer. */
const SHORT_TOKEN = 16;
/** Deeper values are left out: a server could nest them until the stack overflows. */
const MAX_DEPTH = 50;

/**
 * Removes an access token from a text. A short one is removed as a whole word only: with the token `secret`,
 * `secretary` stays.
 */
export function redact(text: string, token: string | undefined): string {
  if (token === undefined || token === "") return text;
  if (token.length >= SHORT_TOKEN) return text.replaceAll(token, PLACEHOLDER);
  const literal = token.replace(/[\\^$.*+?()[\]{}|]/gu, "\\$&");
  return text.replace(new RegExp(`(?<![A-Za-z0-9_])${literal}(?![A-Za-z0-9_])`, "gu"), PLACEHOLDER);
}

/** Copies a JSON value without the access token. */
export function redactJson(value: unknown, token: string | undefined, depth = MAX_DEPTH): unknown {
  if (typeof value === "string") return redact(value, token);
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) return null;
  if (Array.isArray(value)) return value.map((item) => redactJson(item, token, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [redact(name, token), redactJson(part, token, depth - 1)]),
  );
}

/** Returns the access token that a request was sent with. */
export function tokenOf(config: InternalAxiosRequestConfig | undefined): string | undefined {
  const authorization = axios.AxiosHeaders.from(config?.headers).get("Authorization");
  return typeof authorization === "string" ? /^Bearer (.+)$/u.exec(authorization)?.[1] : undefined;
}
