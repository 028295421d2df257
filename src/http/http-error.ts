import {
  AxiosHeaders,
  type AxiosResponse,
  CanceledError,
  type InternalAxiosRequestConfig,
  isAxiosError,
  isCancel,
  type RawAxiosHeaders,
} from "axios";
import { DeviceTrackerError } from "../model/errors.js";
import { isObject } from "../model/json.js";
import { ConnectionError } from "./connection-error.js";
import { MatrixError } from "./matrix-error.js";
import { retryAfter } from "./retry-after.js";

/** Longest part of a server's words that goes into a message, in characters. */
const MAX_QUOTED = 300;

/**
 * What a failed request is told as: `MatrixError`, `ConnectionError`, axios's own `CanceledError`, or whatever else was thrown
 * (by the application's access token function, say).
 *
 * Nothing of axios's error goes along, neither as a cause nor in a message: its `config` and its `request` hold the access
 * token, and errors get logged, printed and sent to trackers of bugs.
 *
 * @param now ms since the epoch
 */
export function httpError(failure: unknown, now: number): Error {
  if (failure instanceof DeviceTrackerError) return failure;
  if (isCancel(failure)) return new CanceledError("the request was given up");
  if (!isAxiosError<unknown>(failure)) return asError(failure);
  const { response, config } = failure;
  const endpoint = endpointOf(config);
  if (response !== undefined && isRefusal(response.status)) return refusal(endpoint, response, now, secretOf(config));
  const cause = causeOf(failure.cause);
  const detail = quoted(failure.message, secretOf(config));
  return new ConnectionError(endpoint, { code: failure.code, detail }, cause === undefined ? undefined : { cause });
}

/** What was thrown, if it is an error; else an error with it as the cause. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error("something that is no error was thrown", { cause: thrown });
}

/** Whether the status says no. An answer that broke off carries the 200 it began with, and is no refusal. */
function isRefusal(status: number): boolean {
  return status < 200 || status >= 300;
}

function refusal(
  endpoint: string,
  { status, data, headers }: AxiosResponse<unknown>,
  now: number,
  secret: string | undefined,
): MatrixError {
  const body = isObject(data) ? data : {};
  const read = AxiosHeaders.from(headers as RawAxiosHeaders);
  return new MatrixError(endpoint, status, {
    errcode: typeof body.errcode === "string" ? quoted(body.errcode, secret) : undefined,
    error: typeof body.error === "string" ? quoted(body.error, secret) : undefined,
    retryAfter: retryAfter(body.retry_after_ms, { retryAfter: read.get("retry-after"), date: read.get("date") }, now),
    softLogout: body.soft_logout === true,
  });
}

function endpointOf(config: InternalAxiosRequestConfig | undefined): string {
  const url = config?.url?.split(/[?#]/u)[0];
  return url === undefined || url === "" ? "the homeserver" : url;
}

/** A server's words, shortened, and without the access token, which some servers repeat. */
function quoted(words: string, secret: string | undefined): string {
  const clean = secret === undefined ? words : words.replaceAll(secret, "<access token>");
  return clean.length > MAX_QUOTED ? `${clean.slice(0, MAX_QUOTED)}…` : clean;
}

function secretOf(config: InternalAxiosRequestConfig | undefined): string | undefined {
  const authorization = AxiosHeaders.from(config?.headers).get("Authorization");
  return typeof authorization === "string" ? /^Bearer (.+)$/u.exec(authorization)?.[1] : undefined;
}

/** The platform's own error (`connect ECONNREFUSED …`), unless it drags the request along. */
function causeOf(cause: unknown): Error | undefined {
  return cause instanceof Error && !("config" in cause) && !("request" in cause) ? cause : undefined;
}
