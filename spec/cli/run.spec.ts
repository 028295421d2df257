import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Interrupted } from "../../src/cli/interrupted.js";
import { run } from "../../src/cli/run.js";
import { LoopbackServer } from "../http/loopback-server.js";
import { capturedOutput } from "./captured-output.js";

const BOB = "@bob:home.example";
const ACCOUNT = { MATRIX_HOMESERVER: "https://home.example", MATRIX_USER_ID: "@alice:home.example" };

async function ran(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { output, printed } = capturedOutput();
  const stopped = new AbortController().signal;
  const code = await run(args, { env: { ...ACCOUNT, ...env }, stdin: new PassThrough(), output, stopped });
  return { code, ...printed };
}

describe("help", () => {
  it("names every command, and fits a terminal", async () => {
    const general = await ran(["--help"]);
    expect(general).toMatchObject({ code: 0, stderr: "" });
    for (const command of ["watch", "devices", "room", "whois"]) {
      expect(general.stdout).toContain(`\n  ${command} `);
      const help = await ran([command, "-h"]);
      expect(help).toMatchObject({ code: 0, stderr: "" });
      expect(help.stdout).toContain(`Usage: matrix-device-tracker ${command} `);
      expect((await ran(["help", command])).stdout).toBe(help.stdout);
      for (const { length } of help.stdout.split("\n")) expect(length).toBeLessThanOrEqual(88);
    }
    for (const { length } of general.stdout.split("\n")) expect(length).toBeLessThanOrEqual(88);
  });

  it.each([0, 1, 2, 130])("documents the exit code %i", async (code) => {
    expect((await ran(["--help"])).stdout).toMatch(new RegExp(`\\n  ${code} +\\w`, "u"));
  });
});

describe("wrong usage", () => {
  it.each<[readonly string[], Record<string, string>, RegExp]>([
    [[], {}, /a command is missing/u],
    [["devices"], {}, /at least one user ID/u],
    [["devices", "bob"], {}, /"bob" is not a user ID/u],
    [["watch", "bob"], {}, /"bob" is not a user ID/u],
    [["room", "kitchen"], {}, /one room ID/u],
    [["room"], {}, /one room ID/u],
    [["whois", "short"], {}, /43 characters/u],
    [["devices", BOB, "--frob"], {}, /--frob/u],
    [["devices", BOB, "--password", "x"], {}, /--password/u],
    [["devices", BOB, "--store", ""], {}, /--store needs/u],
    [["devices", BOB], { MATRIX_HOMESERVER: "", MATRIX_USER_ID: "" }, /set MATRIX_HOMESERVER/u],
    [["devices", BOB], { MATRIX_HOMESERVER: "", MATRIX_USER_ID: "alice" }, /set MATRIX_HOMESERVER/u],
    [["devices", BOB], { MATRIX_USER_ID: "" }, /set MATRIX_USER_ID/u],
    [["devices", BOB], { MATRIX_HOMESERVER: "home.example", MATRIX_PASSWORD: "x" }, /is not the URL/u],
    [["devices", BOB], { MATRIX_HOMESERVER: "home.example:80", MATRIX_ACCESS_TOKEN: "x" }, /MATRIX_HOMESERVER is not/u],
    [["devices", BOB], { MATRIX_HOMESERVER: "https://home.example/?a" }, /MATRIX_HOMESERVER must not contain \? or #/u],
    [
      ["devices", BOB],
      { MATRIX_HOMESERVER: "https://home.example/_matrix", MATRIX_PASSWORD: "x" },
      /contain \/_matrix/u,
    ],
    [["devices", BOB], { MATRIX_HOMESERVER: "https://home.example/#a", MATRIX_ACCESS_TOKEN: "x" }, /contain \? or #/u],
    [["devices", BOB], {}, /no terminal to ask for a password/u],
    [["devices", BOB], { MATRIX_DEVICE_ID: "PHONE" }, /MATRIX_DEVICE_ID is for MATRIX_ACCESS_TOKEN/u],
  ])("ends with 2: %j %j", async (args, env, message) => {
    const { code, stdout, stderr } = await ran(args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).toContain("--help");
  });
});

it.each(["https", "ftp"])("does not print a password in the URL of the homeserver (%s)", async (protocol) => {
  const MATRIX_HOMESERVER = `${protocol}://alice:secret@127.0.0.1:1`;
  for (const env of [{ MATRIX_PASSWORD: "x" }, { MATRIX_ACCESS_TOKEN: "x" }]) {
    const { code, stderr } = await ran(["devices", BOB], { MATRIX_HOMESERVER, ...env });
    expect(code).toBe(2);
    expect(stderr).toContain("MATRIX_HOMESERVER must not contain a user name or a password");
    expect(stderr).not.toContain("secret");
  }
});

it("names a server that no URL can have", async () => {
  const env = { MATRIX_HOMESERVER: "", MATRIX_USER_ID: "@alice:home example", MATRIX_PASSWORD: "x" };
  const { code, stderr } = await ran(["devices", BOB], env);
  expect(code).toBe(1);
  expect(stderr).toContain("no response from https://home example/");
});

it("does not begin if it is stopped before it has begun", async () => {
  const { output, printed } = capturedOutput();
  const stopping = new AbortController();
  const env = { ...ACCOUNT, MATRIX_PASSWORD: "x" };
  const running = run(["devices", BOB], { env, stdin: new PassThrough(), output, stopped: stopping.signal });
  stopping.abort(new Interrupted("SIGINT"));
  expect(await running).toBe(130);
  expect(printed).toEqual({ stdout: "", stderr: "" });
});

describe("on a terminal", () => {
  let server: LoopbackServer;
  beforeEach(async () => {
    server = new LoopbackServer((request) => request.answer(403, { errcode: "M_FORBIDDEN" }));
    await server.start();
  });
  afterEach(() => server.stop());

  async function typing(text: string) {
    const { output, printed } = capturedOutput();
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
    stdin.write(text);
    const env = { ...ACCOUNT, MATRIX_HOMESERVER: server.url };
    const code = await run(["devices", BOB], { env, stdin, output, stopped: new AbortController().signal });
    return { code, ...printed };
  }

  it("asks for the password, and logs in with it", async () => {
    const { code, stderr } = await typing("correct horse\r");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Password of @alice:home\.example: \nerror: the log-in was refused/u);
    expect(server.requests[0]?.body).toMatchObject({
      identifier: { user: ACCOUNT.MATRIX_USER_ID },
      password: "correct horse",
    });
  });

  it("ends with 2 if the password is empty, and sends nothing", async () => {
    const { code, stderr } = await typing("\r");
    expect(code).toBe(2);
    expect(stderr).toContain("the password is empty");
    expect(server.requests).toEqual([]);
  });
});
