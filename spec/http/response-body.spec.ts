import axios, { type AxiosResponse } from "axios";
import { describe, expect, it } from "vitest";
import { bodyOf } from "../../src/http/response-body.js";
import { mockAdapter } from "./mock-adapter.js";

async function responseWith(data: unknown, request?: object): Promise<AxiosResponse<unknown>> {
  const http = axios.create({
    baseURL: "https://example.org/_matrix/client/v3",
    headers: { Authorization: "Bearer secret" },
  });
  mockAdapter(http).onGet("/sync").reply(200);
  return { ...(await http.get<unknown>("/sync")), data, request };
}

describe("the body of a response with status 200", () => {
  it("is an object without an errcode", async () => {
    const body = { next_batch: "s1" };
    expect(bodyOf("/sync", await responseWith(body))).toBe(body);
  });

  it.each([
    [
      "<!DOCTYPE html>\n<title>Hotel</title>",
      'a JSON object, not HTML ("<!DOCTYPE html> <title>Hotel</title>"): check',
    ],
    ["busy, secret", 'a JSON object, not text ("busy, <access token>"): check'],
    ["", "a JSON object, not an empty body"],
    [undefined, "a JSON object, not an empty body"],
    [null, "a JSON object, not null"],
    [5, "a JSON object, not 5"],
    [[1], "a JSON object, not an array"],
    [
      { errcode: "M_LIMIT_EXCEEDED" },
      '"errcode" should be absent from a successful response, but is "M_LIMIT_EXCEEDED"',
    ],
    [{ errcode: {} }, '"errcode" should be absent from a successful response, but is object'],
  ])("is refused if it is %j, and the error says what came", async (data, message) => {
    const response = await responseWith(data);
    expect(() => bodyOf("/sync", response)).toThrow(message);
    expect(() => bodyOf("/sync", response)).toThrow(expect.objectContaining({ name: "InvalidResponseError" }));
  });

  it("is quoted briefly", async () => {
    const response = await responseWith(`<html>${"x".repeat(1_000_000)}`);
    expect(() => bodyOf("/sync", response)).toThrow(/^.{100,300}$/u);
  });

  it("is said to come from a redirect if it does", async () => {
    const response = await responseWith("<html>", { responseURL: "http://portal.example/login?for=alice" });
    expect(() => bodyOf("/sync", response)).toThrow(
      "from http://portal.example/login, to which the request was redirected",
    );
    expect(() => bodyOf("/sync", response)).not.toThrow("alice");
  });
});
