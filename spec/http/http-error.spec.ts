import { inspect } from "node:util";
import axios, { AxiosError, CanceledError } from "axios";
import { describe, expect, it } from "vitest";
import { ConnectionError } from "../../src/http/connection-error.js";
import { httpError } from "../../src/http/http-error.js";
import { MatrixError } from "../../src/http/matrix-error.js";
import { DeviceTrackerError } from "../../src/model/errors.js";
import { type MockAdapter, mockAdapter } from "./mock-adapter.js";

const NOW = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
const TOKEN = "syt_very_secret_token";

/** Our error for a response, by way of axios's own. */
async function errorFor(status: number, body?: unknown, headers: Record<string, string> = {}): Promise<MatrixError> {
  const http = axios.create({ headers: { Authorization: `Bearer ${TOKEN}` } });
  mockAdapter(http).onAny().reply(status, body, headers);
  const error = await http.get("/keys/query?secret=1").then(
    () => expect.unreachable(),
    (failure: unknown) => httpError(failure, NOW),
  );
  if (!(error instanceof MatrixError)) throw error;
  return error;
}

describe("a refusal", () => {
  it("has the server's code and message", async () => {
    const error = await errorFor(403, { errcode: "M_FORBIDDEN", error: "Not today" });
    expect(error).toBeInstanceOf(DeviceTrackerError);
    expect(error).toMatchObject({
      name: "MatrixError",
      endpoint: "/keys/query",
      status: 403,
      errcode: "M_FORBIDDEN",
      retryAfter: undefined,
      softLogout: false,
    });
    expect(error.message).toBe('/keys/query was refused with 403 (M_FORBIDDEN, "Not today")');
  });

  it("has the wait that the server requires, from the body or the header", async () => {
    expect((await errorFor(429, { errcode: "M_LIMIT_EXCEEDED", retry_after_ms: 4_000 })).retryAfter).toBe(4_000);
    expect((await errorFor(429, { errcode: "M_LIMIT_EXCEEDED" }, { "Retry-After": "4" })).retryAfter).toBe(4_000);
    const dates = { "retry-after": "Wed, 21 Oct 2026 12:00:05 GMT", date: "Wed, 21 Oct 2026 12:00:00 GMT" };
    const error = await errorFor(503, "", dates);
    expect(error.retryAfter).toBe(5_000);
    expect(error.message).toContain("try again in 5000 ms");
  });

  it("has the soft logout flag, and explains it", async () => {
    const soft = await errorFor(401, { errcode: "M_UNKNOWN_TOKEN", error: "expired", soft_logout: true });
    expect(soft.softLogout).toBe(true);
    expect(soft.message).toContain("as the same device");
    const hard = await errorFor(401, { errcode: "M_UNKNOWN_TOKEN", error: "gone", soft_logout: "yes" });
    expect(hard.softLogout).toBe(false);
    expect(hard.message).toContain("logged out");
  });

  it.each([
    ["a proxy's page", "<html><body>Bad Gateway</body></html>"],
    ["an empty body", undefined],
    ["null", null],
    ["an array", [1]],
    ["an errcode that is not a string", { errcode: 5, error: {} }],
  ])("with %s has no errcode, but a message", async (_what, body) => {
    const error = await errorFor(502, body);
    expect(error).toMatchObject({ status: 502, errcode: undefined });
    expect(error.message).toBe(
      "/keys/query was refused with 502 (not a Matrix error): the server or a proxy in front of it is failing; try again later",
    );
  });

  it("cuts a long message of the server", async () => {
    expect((await errorFor(400, { errcode: "M_UNKNOWN", error: "x".repeat(1_000_000) })).message.length).toBeLessThan(
      500,
    );
  });

  it("never contains the access token, even if the server repeats it", async () => {
    const error = await errorFor(401, {
      errcode: "M_UNKNOWN_TOKEN",
      error: `Unrecognised access token ${TOKEN}`,
      [TOKEN]: [{ header: `Bearer%20${TOKEN}` }],
    });
    expect(error.message).toContain("Unrecognised access token <access token>");
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(TOKEN);
  });

  it("has the whole body as data", async () => {
    const body = {
      errcode: "M_CONSENT_NOT_GIVEN",
      error: "Read this",
      consent_uri: "https://example.org/terms",
      n: [1],
    };
    expect((await errorFor(403, body)).data).toEqual(body);
    expect((await errorFor(403, "<html>")).data).toEqual({});
  });

  it("pollutes no prototype with its data", async () => {
    const { data } = await errorFor(400, JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'));
    expect(Object.keys(data)).toEqual(["__proto__", "constructor"]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("names a redirect that was not followed", async () => {
    const error = await errorFor(302, "", { location: "https://login.example.org/portal?session=1" });
    expect(error.redirectedTo).toBe("https://login.example.org/portal");
    expect(error.message).toBe(
      "/keys/query was redirected to https://login.example.org/portal and refused with 302 (not a Matrix error): set homeserverUrl to a URL that is not redirected",
    );
  });

  it("explains a token that did not arrive", async () => {
    const error = await errorFor(401, { errcode: "M_MISSING_TOKEN", error: "Missing access token" });
    expect(error.message).toContain("the access token did not arrive");
    expect(error.message).not.toContain("log in again");
  });
});

describe("a missing response", () => {
  async function errorOf(mock: (adapter: MockAdapter) => unknown): Promise<Error> {
    const http = axios.create({ headers: { Authorization: `Bearer ${TOKEN}` } });
    mock(mockAdapter(http));
    return http.get("/sync").then(
      () => expect.unreachable(),
      (failure: unknown) => httpError(failure, NOW),
    );
  }

  it("is a ConnectionError with the reason, without the access token", async () => {
    const error = await errorOf((adapter) => adapter.onAny().networkError());
    expect(error).toBeInstanceOf(DeviceTrackerError);
    expect(error).toMatchObject({ name: "ConnectionError", endpoint: "/sync", deadline: undefined });
    expect(error.message).toContain("no response from /sync (Network Error");
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(TOKEN);
  });

  it("mentions CORS if the browser does not say more than ERR_NETWORK", async () => {
    const network = new AxiosError("Network Error", "ERR_NETWORK");
    expect(httpError(network, NOW).message).toContain("(CORS)");
    expect(httpError(new AxiosError("refused", "ECONNREFUSED"), NOW).message).not.toContain("CORS");
  });

  it("is a ConnectionError with axios's code if axios timed out", async () => {
    expect(await errorOf((adapter) => adapter.onAny().timeout())).toMatchObject({
      name: "ConnectionError",
      code: "ECONNABORTED",
    });
  });

  it("is a ConnectionError if it was cut off after a status of 200", () => {
    const config = { url: "/sync", headers: axios.AxiosHeaders.from({ Authorization: `Bearer ${TOKEN}` }) };
    const response = { status: 200, statusText: "OK", data: undefined, headers: {}, config };
    const error = httpError(new AxiosError("stream has been aborted", "ERR_BAD_RESPONSE", config, {}, response), NOW);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain("stream has been aborted, ERR_BAD_RESPONSE");
  });

  it("has the platform's error as its cause, unless that refers to the request", () => {
    const config = { url: "/sync", headers: new axios.AxiosHeaders() };
    const reset = new Error("read ECONNRESET");
    expect(httpError(AxiosError.from(reset, "ECONNRESET", config), NOW).cause).toBe(reset);
    const chatty = Object.assign(new Error("failed"), { request: { headers: TOKEN } });
    expect(httpError(AxiosError.from(chatty, "ERR_NETWORK", config), NOW).cause).toBeUndefined();
  });
});

describe("another error", () => {
  it("stays a cancellation for axios, without the configuration", () => {
    const headers = axios.AxiosHeaders.from({ Authorization: `Bearer ${TOKEN}` });
    const error = httpError(new CanceledError("canceled", { headers }), NOW);
    expect(axios.isCancel(error)).toBe(true);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(TOKEN);
  });

  it("is passed on, and wrapped if it is not an Error", () => {
    const mine = new RangeError("mine");
    expect(httpError(mine, NOW)).toBe(mine);
    expect(httpError("mine", NOW)).toMatchObject({ cause: "mine" });
  });
});
