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

/** Longest quote of a server's message, in characters. */
const MAX_QUOTED = 300;

/**
 * Converts the failure of a request: to `MatrixError`, `ConnectionError` or axios's `CanceledError`. Other errors (such
 * as one thrown by the application's access token function) stay as they are.
 *
 * The result refers to axios's error neither as a cause nor in its message: `config` and `request` of that error
 * contain the access token, and errors are logged and sent to bug trackers.
 *
 * @param now ms since the epoch
 */
export function httpError(failure: unknown, now: number): Error {
  if (failure instanceof DeviceTrackerError) return failure;
  if (isCancel(failure)) return new CanceledError("the request was aborted");
  if (!isAxiosError<unknown>(failure)) return asError(failure);
  const { response, config } = failure;
  const endpoint = endpointOf(config);
  if (response !== undefined && isRefusal(response.status)) return refusal(endpoint, response, now, secretOf(config));
  const cause = causeOf(failure.cause);
  const detail = quoted(failure.message, secretOf(config));
  return new ConnectionError(endpoint, { code: failure.code, detail }, cause === undefined ? undefined : { cause });
}

/** Wraps a thrown value that is not an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error("a value that is not an error was thrown", { cause: thrown });
}

/** A response that was cut off still has the status 200 it began with, and is not a refusal. */
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

/** Cuts a server's message, and removes the access token, which some servers repeat. */
function quoted(message: string, secret: string | undefined): string {
  const clean = secret === undefined ? message : message.replaceAll(secret, "<access token>");
  return clean.length > MAX_QUOTED ? `${clean.slice(0, MAX_QUOTED)}…` : clean;
}

function secretOf(config: InternalAxiosRequestConfig | undefined): string | undefined {
  const authorization = AxiosHeaders.from(config?.headers).get("Authorization");
  return typeof authorization === "string" ? /^Bearer (.+)$/u.exec(authorization)?.[1] : undefined;
}

/** The platform's own error (`connect ECONNREFUSED …`), unless it refers to the request. */
function causeOf(cause: unknown): Error | undefined {
  return cause instanceof Error && !("config" in cause) && !("request" in cause) ? cause : undefined;
}
