import axios from "axios";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MatrixError } from "../../src/http/matrix-error.js";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { redirectOf } from "../../src/http/redirect.js";
import { LoopbackServer } from "./loopback-server.js";
import { mockAdapter } from "./mock-adapter.js";

describe("a redirect that the platform follows", () => {
  let target: LoopbackServer;
  let server: LoopbackServer;
  beforeEach(async () => {
    target = await new LoopbackServer((request) =>
      request.headers.authorization === undefined
        ? request.answer(401, { errcode: "M_MISSING_TOKEN", error: "Missing access token" })
        : request.answer(200),
    ).start();
    // Another host name for the same address: Node drops the token on the way to another host.
    const elsewhere = target.url.replace("127.0.0.1", "localhost");
    server = await new LoopbackServer((request) =>
      request.answer(307, "", { location: `${elsewhere}/moved/sync?key=hidden` }),
    ).start();
  });
  afterEach(async () => {
    await server.stop();
    await target.stop();
  });

  it("is named in the error, without its query", async () => {
    const error: unknown = await matrixHttp({ homeserverUrl: server.url, accessToken: "secret" })
      .get("/sync")
      .catch((failure: unknown) => failure);
    if (!(error instanceof MatrixError)) expect.unreachable();
    const url = target.requests.length === 0 ? "" : error.redirectedTo;
    expect(url).toMatch(/^http:\/\/localhost:\d+\/moved\/sync$/u);
    expect(error.message).toContain(`/sync was redirected to ${url} and refused with 401 (M_MISSING_TOKEN`);
    expect(error.message).toContain("a redirect to another host drops the access token; set homeserverUrl to");
  });
});

describe("a response", () => {
  const responseWith = async (request: unknown) => {
    const http = axios.create({ baseURL: "https://example.org/_matrix/client/v3" });
    mockAdapter(http).onGet("/sync").reply(200, {});
    return redirectOf({ ...(await http.get("/sync", { params: { since: "s1" } })), request });
  };

  it.each([
    ["the adapter does not say", undefined],
    ["the URL is the requested one", { responseURL: "https://example.org/_matrix/client/v3/sync?since=s1" }],
    ["the URL is not one", { responseURL: "//" }],
  ])("is not redirected if %s", async (_, request) => {
    expect(await responseWith(request)).toBeUndefined();
  });

  it("is redirected if a browser reports another URL", async () => {
    const request = { responseURL: "https://portal.example/login?next=1#top" };
    expect(await responseWith(request)).toBe("https://portal.example/login");
  });
});
