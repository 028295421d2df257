import { CanceledError } from "axios";
import { firstValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { matrixHttp } from "../../src/http/matrix-http.js";
import { requireUser } from "../../src/http/require-user.js";
import type { SyncFailed } from "../../src/http/sync-failed.js";
import { syncResponses } from "../../src/http/sync-responses.js";
import { TokenOwnerError } from "../../src/http/token-owner-error.js";
import { ALICE, BOB } from "../support/users.js";
import { LoopbackServer, type SeenRequest } from "./loopback-server.js";

describe("an instance for one user", () => {
  let server: LoopbackServer;
  let whoami: (request: SeenRequest) => void;
  beforeEach(async () => {
    whoami = (request) => {
      request.answer(200, { user_id: ALICE });
    };
    server = new LoopbackServer((request) => {
      if (request.path.endsWith("/whoami")) whoami(request);
      else request.answer(200, { next_batch: "s1" });
    });
    await server.start();
  });
  afterEach(() => server.stop());

  const instance = () => {
    const http = matrixHttp({ homeserverUrl: server.url, accessToken: "secret" });
    requireUser(http, ALICE);
    return http;
  };
  const sent = () => server.requests.map(({ path }) => path.replace("/_matrix/client/v3", ""));

  it("asks whose the token is before its first requests, once", async () => {
    const http = instance();
    await Promise.all([http.get("/a"), http.get("/b")]);
    await http.get("/c");
    expect(sent()[0]).toBe("/account/whoami");
    expect(sent().slice(1).sort()).toEqual(["/a", "/b", "/c"]);
  });

  it("sends no request with the token of another user, except for a log-out", async () => {
    whoami = (request) => {
      request.answer(200, { user_id: BOB });
    };
    const http = instance();
    for (const path of ["/a", "/b"]) await expect(http.get(path)).rejects.toEqual(new TokenOwnerError(BOB, ALICE));
    await http.post("/logout", {});
    expect(sent()).toEqual(["/account/whoami", "/logout"]);
  });

  it("ends sync with the token of another user", async () => {
    whoami = (request) => {
      request.answer(200, { user_id: BOB });
    };
    const failures: SyncFailed[] = [];
    const sync$ = syncResponses(instance(), { onFailure: (failure) => failures.push(failure) });
    await expect(firstValueFrom(sync$)).rejects.toThrow(TokenOwnerError);
    expect(failures).toMatchObject([{ type: "ended" }]);
    expect(sent()).toEqual(["/account/whoami"]);
  });

  it.each([408, 429, "no response"] as const)(
    "sends no request before it knows (%s), and asks again",
    async (status) => {
      const answer = whoami;
      whoami = (request) => {
        whoami = answer;
        if (status === "no response") request.response.destroy();
        else request.answer(status, { errcode: "M_UNKNOWN" });
      };
      const http = instance();
      await expect(http.get("/a")).rejects.toThrow("/account/whoami");
      await http.get("/a");
      expect(sent()).toEqual(["/account/whoami", "/account/whoami", "/a"]);
    },
  );

  it.each([401, 403, 404, 500, 502])(
    "sends the request if the server does not say (%i), and asks again",
    async (status) => {
      whoami = (request) => {
        request.answer(status, { errcode: "M_UNKNOWN_TOKEN" });
      };
      const http = instance();
      await http.get("/a");
      await http.get("/b");
      expect(sent()).toEqual(["/account/whoami", "/a", "/account/whoami", "/b"]);
    },
  );

  it.each<[string, unknown]>([
    ["a page", "<html>log in to the network</html>"],
    ["no user ID", {}],
    ["an error", { errcode: "M_UNKNOWN", user_id: ALICE }],
  ])("sends the request if the response has %s, and asks again", async (_, body) => {
    const answer = whoami;
    whoami = (request) => {
      whoami = answer;
      request.answer(200, body);
    };
    const http = instance();
    await http.get("/a");
    await http.get("/b");
    expect(sent()).toEqual(["/account/whoami", "/a", "/account/whoami", "/b"]);
  });

  it("aborts the question once no request waits for the answer", async () => {
    whoami = () => {};
    const http = instance();
    const [a, b] = [new AbortController(), new AbortController()];
    const first = expect(http.get("/a", { signal: a.signal })).rejects.toThrow(CanceledError);
    const second = expect(http.get("/b", { signal: b.signal })).rejects.toThrow(CanceledError);
    const question = await server.request(0);
    a.abort();
    await first;
    expect(question.aborted).toBe(false);
    b.abort();
    await second;
    await expect.poll(() => question.aborted).toBe(true);
    await expect(http.get("/c", { signal: AbortSignal.abort() })).rejects.toThrow(CanceledError);
    expect(sent()).toEqual(["/account/whoami"]);
  });

  it("asks again for a request that follows an aborted one at once", async () => {
    const answer = whoami;
    whoami = () => {};
    const http = instance();
    const leaving = new AbortController();
    const aborted = expect(http.get("/a", { signal: leaving.signal })).rejects.toThrow(CanceledError);
    await server.request(0);
    whoami = answer;
    leaving.abort();
    await http.get("/b");
    await aborted;
    expect(sent()).toEqual(["/account/whoami", "/account/whoami", "/b"]);
  });
});
