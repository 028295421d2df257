import { describe, expect, it, vi } from "vitest";
import { discover } from "../../src/cli/discover.js";
import { Failure } from "../../src/cli/failure.js";
import { fetchJson } from "../../src/cli/fetch-json.js";
import { LoopbackServer } from "../http/loopback-server.js";

describe("discovery", () => {
  it.each([
    [200, { "m.homeserver": { base_url: "https://matrix.example.org/" } }, "https://matrix.example.org/"],
    [404, {}, "https://example.org:8448"],
  ])("of a server that answers %i %j finds %s", async (status, data, expected) => {
    const fetchFrom = vi.fn(() => Promise.resolve({ status, data }));
    expect(await discover("example.org:8448", fetchFrom)).toBe(expected);
    const url = "https://example.org:8448/.well-known/matrix/client";
    expect(fetchFrom).toHaveBeenCalledWith(url, { deadline: expect.any(Number) as number });
  });

  it.each([
    [200, {}],
    [200, { "m.homeserver": null }],
    [200, { "m.homeserver": { base_url: 1 } }],
    [200, { "m.homeserver": { base_url: "ftp://example.org" } }],
    [200, { "m.homeserver": { base_url: "https://example.org/?a=" } }],
    [200, { "m.homeserver": { base_url: "https://example.org/#a" } }],
    [200, { "m.homeserver": { base_url: "https://alice:secret@example.org" } }],
    [200, { "m.homeserver": { base_url: "https://example.org/_matrix/client" } }],
    [500, { "m.homeserver": { base_url: "https://example.org" } }],
  ])("of a server that answers %i %j fails", async (status, data) => {
    const failing = discover("example.org", () => Promise.resolve({ status, data }));
    await expect(failing).rejects.toThrow(Failure);
    await expect(failing).rejects.toThrow("set MATRIX_HOMESERVER");
  });
});

it("names the variable to set if the server does not respond", async () => {
  const failing = discover("example.org", () => Promise.reject(new Failure("no response")));
  await expect(failing).rejects.toEqual(
    new Failure("no response: set MATRIX_HOMESERVER if the homeserver is elsewhere"),
  );
});

it("does not take a user ID with a path for a server", async () => {
  const failing = discover("example.org/?a", () => Promise.resolve({ status: 404, data: {} }));
  await expect(failing).rejects.toThrow(Failure);
});

describe("a request without a token", () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    ["<html>", {}],
    ["[1]", {}],
    ["null", {}],
  ])("reads %s as %j", async (body, data) => {
    const server = await new LoopbackServer((request) => request.answer(418, body)).start();
    expect(await fetchJson(server.url, { deadline: 5_000 })).toEqual({ status: 418, data });
    await server.stop();
  });

  it("does not send a password on to where it is redirected", async () => {
    const other = await new LoopbackServer((request) => request.answer(200)).start();
    const redirecting = (request: { answer: (...args: [number, object, Record<string, string>]) => void }) =>
      request.answer(307, {}, { location: other.url });
    const server = await new LoopbackServer(redirecting).start();
    expect((await fetchJson(server.url, { body: { password: "x" }, deadline: 5_000 })).status).toBe(307);
    expect(other.requests).toEqual([]);
    await Promise.all([server.stop(), other.stop()]);
  });

  it("fails if there is no response in time", async () => {
    const server = await new LoopbackServer().start();
    await expect(fetchJson(server.url, { deadline: 50 })).rejects.toThrow(`no response from ${server.url}`);
    await server.stop();
  });
});
