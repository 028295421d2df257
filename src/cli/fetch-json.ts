import { Failure } from "./failure.js";

/** A response with the JSON object in its body; an empty one for any other body. */
export interface JsonResponse {
  readonly status: number;
  readonly data: Readonly<Record<string, unknown>>;
}

interface JsonRequest {
  /** Sent as JSON, with POST. */
  readonly body?: object;
  /** In ms. */
  readonly deadline: number;
}

/** Sends a request that needs no access token. Rejects with a {@link Failure} if there is no response. */
export async function fetchJson(url: string, { body, deadline }: JsonRequest): Promise<JsonResponse> {
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    const response = await fetch(url, {
      ...(body !== undefined && post),
      // The body contains a password, which another server must not get.
      redirect: body === undefined ? "follow" : "manual",
      signal: AbortSignal.timeout(deadline),
    });
    return { status: response.status, data: objectIn(await response.text()) };
  } catch (error) {
    throw new Failure(`no response from ${URL.canParse(url) ? new URL(url).origin : url}: ${reasonOf(error)}`);
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

/** `fetch` describes the failure in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return [code, cause instanceof Error ? cause.message : error.message].filter((part) => part !== "").join(", ");
}
