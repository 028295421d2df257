import { createServer, type AddressInfo, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import type { Account } from "../../src/cli/environment.js";
import { Failure } from "../../src/cli/failure.js";
import { openSession } from "../../src/cli/session.js";
import { LoopbackServer } from "../http/loopback-server.js";
import { capturedOutput } from "./captured-output.js";

const USER = { userId: "@alice:home.example" };

/** Each way to open a session. */
const accounts = (homeserverUrl: string): readonly Account[] => [
  { type: "token", homeserverUrl, accessToken: "secret", deviceId: undefined, ...USER },
  { type: "password", homeserverUrl, password: "secret", ...USER },
];

function failure(account: Account): Promise<unknown> {
  const { output } = capturedOutput();
  return openSession(account, { stdin: new PassThrough(), output, atEnd: () => {} }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a session at an https URL whose port does not speak TLS", () => {
  const stops: (() => void)[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });

  it("fails at once if the server responds with something else", async () => {
    const server = await new LoopbackServer().start();
    stops.push(() => void server.stop());
    for (const account of accounts(server.url.replace("http:", "https:"))) {
      const begun = performance.now();
      expect(await failure(account)).toBeInstanceOf(Failure);
      expect(performance.now() - begun).toBeLessThan(5_000);
    }
  });

  it("fails within seconds if the server waits for more", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.on("error", () => {})));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    stops.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const failures = await Promise.all(accounts(url).map(failure));
    for (const error of failures) expect(error).toBeInstanceOf(Failure);
  });
});
