import { inspect } from "node:util";
import axios from "axios";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MatrixError } from "../../src/http/matrix-error.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import packageJson from "../../package.json" with { type: "json" };
import { LoopbackServer, type SeenRequest } from "./loopback-server.js";
import { mockAdapter } from "./mock-adapter.js";

const UNKNOWN_TOKEN = { errcode: "M_UNKNOWN_TOKEN", error: "expired", soft_logout: true };

let server: LoopbackServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
async function serve(answer?: (request: SeenRequest) => void): Promise<LoopbackServer> {
  server = await new LoopbackServer(answer).start();
  return server;
}
/** A server that accepts only these tokens. */
const accepting =
  (...tokens: string[]) =>
  (request: SeenRequest): void =>
    tokens.some((token) => request.headers.authorization === `Bearer ${token}`)
      ? request.answer(200, { user_id: "@alice:example.org" })
      : request.answer(401, UNKNOWN_TOKEN);
const tokensOf = (seen: LoopbackServer): unknown[] => seen.requests.map(({ headers }) => headers.authorization);

describe("the homeserver's URL", () => {
  it.each([
    ["https://matrix.example.org", "https://matrix.example.org/_matrix/client/v3"],
    ["https://matrix.example.org/", "https://matrix.example.org/_matrix/client/v3"],
    ["https://example.org/some/prefix//", "https://example.org/some/prefix/_matrix/client/v3"],
    ["http://localhost:8008", "http://localhost:8008/_matrix/client/v3"],
    ["https://example.org/_matrix-server", "https://example.org/_matrix-server/_matrix/client/v3"],
  ])("%s becomes %s", (homeserverUrl, baseURL) => {
    expect(matrixHttp({ homeserverUrl, accessToken: "secret" }).defaults.baseURL).toBe(baseURL);
  });

  it.each([
    ["matrix.example.org", /is not a URL/u],
    ["", /is not a URL/u],
    ["ftp://matrix.example.org", /https:\/\/ or http:\/\/, not with ftp:/u],
    ["localhost:8008", /https:\/\/ or http:\/\//u],
    ["https://alice:pass@matrix.example.org", /user name or a password/u],
    ["https://matrix.example.org/?a=b", /must not contain \?/u],
    ["https://matrix.example.org/_matrix", /pass "https:\/\/matrix.example.org", not "/u],
    ["https://example.org/prefix/_matrix/client/v3/", /pass "https:\/\/example.org\/prefix", not "/u],
  ])("refuses %j at once", (homeserverUrl, message) => {
    expect(() => matrixHttp({ homeserverUrl, accessToken: "secret" })).toThrow(TypeError);
    expect(() => matrixHttp({ homeserverUrl, accessToken: "secret" })).toThrow(message);
    expect(() => matrixHttp({ homeserverUrl, accessToken: "secret" })).not.toThrow(/pass@/u);
  });

  it("is the only server that receives the token, even for an absolute URL", async () => {
    const { url, requests } = await serve(accepting("secret"));
    const elsewhere = new LoopbackServer(accepting("secret"));
    await elsewhere.start();
    await matrixHttp({ homeserverUrl: url, accessToken: "secret" }).get(`${elsewhere.url}/account/whoami`);
    await elsewhere.stop();
    expect(elsewhere.requests).toEqual([]);
    expect(requests).toHaveLength(1);
  });
});

it("needs axios 1.8.3, the first version that does not send the token to absolute URLs", () => {
  expect(packageJson.peerDependencies.axios).toBe("^1.8.3");
});

describe("the access token", () => {
  it("is sent as a bearer token", async () => {
    const { url, requests } = await serve(accepting("secret"));
    const { data } = await matrixHttp({ homeserverUrl: `${url}/`, accessToken: "secret" }).get<unknown>(
      "/account/whoami",
    );
    expect(data).toEqual({ user_id: "@alice:example.org" });
    expect(requests[0]).toMatchObject({
      path: "/_matrix/client/v3/account/whoami",
      headers: { authorization: "Bearer secret" },
    });
  });

  it("is read for each request if it is a function", async () => {
    const seen = await serve(accepting("one", "two"));
    const accessToken = vi.fn<() => string>().mockReturnValueOnce("one").mockReturnValueOnce("two");
    const http = matrixHttp({ homeserverUrl: seen.url, accessToken });
    await http.get("/sync");
    await http.get("/sync");
    expect(tokensOf(seen)).toEqual(["Bearer one", "Bearer two"]);
  });

  it.each([
    ["empty", ""],
    ["followed by a line break", "secret\n"],
    ["interrupted by a space", "sec ret"],
  ])("that is %s is refused, and not shown", async (_what, token) => {
    expect(() => matrixHttp({ homeserverUrl: "https://example.org", accessToken: token })).toThrow(TypeError);
    const later = matrixHttp({ homeserverUrl: "https://example.org", accessToken: () => token }).get("/sync");
    await expect(later).rejects.toThrow(/accessToken must be/u);
    if (token !== "") await expect(later).rejects.not.toThrow(token);
  });

  it("does not appear in errors", async () => {
    const { url } = await serve((request) =>
      request.query.hang === undefined ? request.answer(403, { errcode: "M_FORBIDDEN" }) : request.response.destroy(),
    );
    const http = matrixHttp({ homeserverUrl: url, accessToken: "syt_secret" });
    for (const path of ["/sync", "/sync?hang=1"]) {
      const error: unknown = await http.get(path).catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(Error);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain("syt_secret");
    }
  });
});

describe("a refused access token", () => {
  it("is renewed once, and the whole request is sent again", async () => {
    const seen = await serve(accepting("new"));
    const accessToken = vi.fn<() => Promise<string>>().mockResolvedValueOnce("old").mockResolvedValueOnce("new");
    const http = matrixHttp({ homeserverUrl: seen.url, accessToken });
    await http.post("/keys/query", { device_keys: {} }, { params: { timeout: 5 } });
    expect(tokensOf(seen)).toEqual(["Bearer old", "Bearer new"]);
    expect(seen.requests[1]).toMatchObject({
      method: "POST",
      path: "/_matrix/client/v3/keys/query",
      query: { timeout: "5" },
      body: { device_keys: {} },
    });
    expect(accessToken).toHaveBeenCalledTimes(2);
  });

  it("is final if the function returns the same token", async () => {
    const seen = await serve(accepting("new"));
    const accessToken = vi.fn(() => "old");
    await expect(matrixHttp({ homeserverUrl: seen.url, accessToken }).get("/sync")).rejects.toMatchObject({
      name: "MatrixError",
      status: 401,
      errcode: "M_UNKNOWN_TOKEN",
      softLogout: true,
    });
    expect(accessToken).toHaveBeenCalledTimes(2);
    expect(seen.requests).toHaveLength(1);
  });

  it("is passed to the function, to be told from a valid one", async () => {
    const seen = await serve(accepting("new"));
    const accessToken = vi.fn((refused?: string) => (refused === "old" ? "new" : "old"));
    await matrixHttp({ homeserverUrl: seen.url, accessToken }).get("/sync");
    expect(accessToken.mock.calls).toEqual([[undefined], ["old"]]);
    expect(tokensOf(seen)).toEqual(["Bearer old", "Bearer new"]);
  });

  it("is renewed again if the new one is refused, too", async () => {
    const seen = await serve(accepting("third"));
    const tokens = ["first", "second", "third"];
    const accessToken = vi.fn(() => tokens.shift() ?? "none");
    await matrixHttp({ homeserverUrl: seen.url, accessToken }).get("/sync");
    expect(tokensOf(seen)).toEqual(["Bearer first", "Bearer second", "Bearer third"]);
    expect(accessToken.mock.calls).toEqual([[undefined], ["first"], ["second"]]);
  });

  it("is final if the new one is refused and returned again", async () => {
    const seen = await serve(accepting("another"));
    const accessToken = vi.fn(() => "new").mockReturnValueOnce("old");
    await expect(matrixHttp({ homeserverUrl: seen.url, accessToken }).get("/sync")).rejects.toMatchObject({
      errcode: "M_UNKNOWN_TOKEN",
      tokenReplaced: false,
    });
    expect(tokensOf(seen)).toEqual(["Bearer old", "Bearer new"]);
  });

  it("is not final if the function returns ever new ones, but ends the request", async () => {
    const seen = await serve(accepting("another"));
    let n = 0;
    const accessToken = vi.fn(() => `token${++n}`);
    const failed = matrixHttp({ homeserverUrl: seen.url, accessToken }).get("/sync");
    await expect(failed).rejects.toMatchObject({ status: 401, errcode: "M_UNKNOWN_TOKEN", tokenReplaced: true });
    await expect(failed).rejects.toThrow("accessToken has returned another token since; try again");
    expect(tokensOf(seen)).toEqual(["Bearer token1", "Bearer token2", "Bearer token3"]);
    expect(accessToken).toHaveBeenCalledTimes(4);
  });

  it("is not renewed twice if it is refused late", async () => {
    const seen = await serve();
    let current = "old";
    const accessToken = vi.fn((refused?: string) => (refused === undefined ? current : (current += "+")));
    const http = matrixHttp({ homeserverUrl: seen.url, accessToken });
    const [first, second] = [http.get("/sync"), http.get("/account/whoami")];
    const [a, b] = [await seen.request(0), await seen.request(1)];
    a.answer(401, UNKNOWN_TOKEN);
    (await seen.request(2)).answer(200);
    b.answer(401, UNKNOWN_TOKEN); // `old+` is valid, and renewing `old` again would end it
    (await seen.request(3)).answer(200);
    await Promise.all([first, second]);
    expect(tokensOf(seen)).toEqual(["Bearer old", "Bearer old", "Bearer old+", "Bearer old+"]);
    expect(accessToken).toHaveBeenCalledTimes(3);
  });

  it("is final if it is a string", async () => {
    const seen = await serve(accepting("new"));
    await expect(matrixHttp({ homeserverUrl: seen.url, accessToken: "old" }).get("/sync")).rejects.toBeInstanceOf(
      MatrixError,
    );
    expect(seen.requests).toHaveLength(1);
  });

  it("is renewed once for all requests that fail with it", async () => {
    let current = "old";
    let calls = 0;
    const http = matrixHttp({
      homeserverUrl: "https://example.org",
      // The first three calls are for the requests; a renewal takes long enough for all three to fail.
      accessToken: () =>
        ++calls <= 3 ? current : new Promise((give) => setTimeout(() => give((current = `new${calls - 3}`)), 10)),
    });
    const mock = mockAdapter(http)
      .onGet("/sync")
      .reply(({ headers }) => (headers?.Authorization === "Bearer new1" ? [200, {}] : [401, UNKNOWN_TOKEN]));
    await Promise.all([http.get("/sync"), http.get("/sync"), http.get("/sync")]);
    expect(calls).toBe(4);
    expect(mock.history.get).toHaveLength(6);
  });

  it("is renewed again when a later one is refused", async () => {
    const seen = await serve(accepting("two", "four"));
    const accessToken = vi
      .fn<() => string>()
      .mockReturnValueOnce("one")
      .mockReturnValueOnce("two")
      .mockReturnValueOnce("three")
      .mockReturnValueOnce("four");
    const http = matrixHttp({ homeserverUrl: seen.url, accessToken });
    await http.get("/sync");
    await http.get("/sync");
    expect(tokensOf(seen)).toEqual(["Bearer one", "Bearer two", "Bearer three", "Bearer four"]);
  });

  it("is renewed again when the same one is refused again", async () => {
    const seen = await serve(accepting("two", "four"));
    const accessToken = vi
      .fn<() => string>()
      .mockReturnValueOnce("one")
      .mockReturnValueOnce("two")
      .mockReturnValueOnce("one")
      .mockReturnValueOnce("four");
    const http = matrixHttp({ homeserverUrl: seen.url, accessToken });
    await http.get("/sync");
    await http.get("/sync");
    expect(tokensOf(seen)).toEqual(["Bearer one", "Bearer two", "Bearer one", "Bearer four"]);
  });

  it("is not renewed after another refusal", async () => {
    const { url, requests } = await serve((request) =>
      request.answer(401, { errcode: "M_USER_LOCKED", soft_logout: true }),
    );
    const accessToken = vi.fn(() => "old");
    await expect(matrixHttp({ homeserverUrl: url, accessToken }).get("/sync")).rejects.toMatchObject({
      errcode: "M_USER_LOCKED",
    });
    expect(accessToken).toHaveBeenCalledTimes(1);
    expect(requests).toHaveLength(1);
  });

  it("fails with the error of the renewal, converted if it is axios's", async () => {
    const { url } = await serve(accepting("new"));
    const mine = new Error("the refresh token is gone");
    const failing = vi
      .fn<() => string>()
      .mockReturnValueOnce("old")
      .mockImplementationOnce(() => {
        throw mine;
      });
    await expect(matrixHttp({ homeserverUrl: url, accessToken: failing }).get("/sync")).rejects.toBe(mine);
    const asking = vi
      .fn<() => string | Promise<string>>()
      .mockReturnValueOnce("old")
      .mockImplementationOnce(() => axios.post<string>(`${url}/refresh`).then(({ data }) => data));
    await expect(matrixHttp({ homeserverUrl: url, accessToken: asking }).get("/sync")).rejects.toMatchObject({
      name: "MatrixError",
      errcode: "M_UNKNOWN_TOKEN",
    });
  });
});

describe("a server that does not respond", () => {
  it("is given up after three minutes, or after the timeout of the request", async () => {
    const { url } = await serve(() => undefined);
    const http = matrixHttp({ homeserverUrl: url, accessToken: "secret" });
    expect(http.defaults.timeout).toBe(180_000);
    await expect(http.get("/account/whoami", { timeout: 20 })).rejects.toMatchObject({
      name: "ConnectionError",
      message: expect.stringContaining("timeout of 20ms exceeded") as string,
    });
  });
});

it("works with another adapter", async () => {
  const http = matrixHttp({ homeserverUrl: "https://example.org", accessToken: "secret" });
  const mock = mockAdapter(http).onGet("/sync").reply(200, { next_batch: "s1" });
  await expect(http.get("/sync")).resolves.toMatchObject({ data: { next_batch: "s1" } });
  expect(mock.history.get?.[0]?.headers?.Authorization).toBe("Bearer secret");
});
