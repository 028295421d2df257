import axios, { type AxiosResponse, type InternalAxiosRequestConfig, type RawAxiosHeaders } from "axios";
import { DeviceTrackerError } from "../model/errors.js";
import { isObject } from "../model/json.js";
import { ConnectionError } from "./connection-error.js";
import { MatrixError, type Refusal } from "./matrix-error.js";
import { redact, redactJson, tokenOf } from "./redact.js";
import { redirectOf } from "./redirect.js";
import { retryAfter } from "./retry-after.js";

/** Longest quote of a server's message, in characters. */
const MAX_QUOTED = 300;

/**
 * Converts a failed request's error to `MatrixError`, `ConnectionError` or axios's `CanceledError`. Other errors, such
 * as one thrown by the application's access token function, stay as they are.
 *
 * The result refers to axios's error neither as a cause nor in its message: `config` and `request` of that error
 * contain the access token, and errors are logged and sent to bug trackers.
 *
 * @param now ms since the epoch
 * @param known what is known about a refusal besides the response
 */
export function httpError(failure: unknown, now: number, known: Refusal = {}): Error {
  if (failure instanceof DeviceTrackerError) return failure;
  if (axios.isCancel(failure)) return new axios.CanceledError("the request was aborted");
  if (!axios.isAxiosError<unknown>(failure)) return asError(failure);
  const { response, config } = failure;
  const endpoint = endpointOf(config);
  const token = tokenOf(config);
  if (response !== undefined && isRefusal(response.status))
    return new MatrixError(endpoint, response.status, { ...refusalOf(response, now, token), ...known });
  const cause = causeOf(failure.cause);
  const detail = quoted(failure.message, token);
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

function refusalOf(response: AxiosResponse<unknown>, now: number, token: string | undefined): Refusal {
  const body = isObject(response.data) ? response.data : {};
  const headers = axios.AxiosHeaders.from(response.headers as RawAxiosHeaders);
  const times = { retryAfter: headers.get("retry-after"), date: headers.get("date") };
  const redirect = redirectOf(response);
  return {
    errcode: typeof body.errcode === "string" ? quoted(body.errcode, token) : undefined,
    error: typeof body.error === "string" ? quoted(body.error, token) : undefined,
    retryAfter: retryAfter(body.retry_after_ms, times, now),
    softLogout: body.soft_logout === true,
    data: redactJson(body, token) as Readonly<Record<string, unknown>>,
    redirectedTo: redirect === undefined ? undefined : quoted(redirect, token),
  };
}

function endpointOf(config: InternalAxiosRequestConfig | undefined): string {
  const url = config?.url?.split(/[?#]/u)[0];
  return url === undefined || url === "" ? "the homeserver" : url;
}

/** Shortens a server's message and removes the access token, which some servers repeat. */
function quoted(message: string, token: string | undefined): string {
  const clean = redact(message, token);
  return clean.length > MAX_QUOTED ? `${clean.slice(0, MAX_QUOTED)}…` : clean;
}

/** Returns the platform's own error (`connect ECONNREFUSED …`), unless it refers to the request. */
function causeOf(cause: unknown): Error | undefined {
  return cause instanceof Error && !("config" in cause) && !("request" in cause) ? cause : undefined;
}
