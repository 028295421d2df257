import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { UserId } from "../../../src/model/ids.js";
import { testDevice } from "../../../src/testing/test-device.js";
import type { Random } from "../../support/random.js";
import { positionOf, tokenAt, type Truth } from "./truth.js";

/** A poll that a tab had open, in ms of `performance.now()`. */
export interface OpenPoll {
  readonly tab: string;
  readonly from: number;
  to: number | undefined;
}

/** A homeserver for the proofs: knows the truth, tells it late or at once, and serves the page. */
export interface ProofServer {
  readonly url: string;
  /** Each poll, from the first on. */
  readonly polls: readonly OpenPoll[];
  /** The tabs that have a poll open. */
  polling(): readonly string[];
  /** Whether a response has led to this token. */
  hasGiven(token: string): boolean;
  readonly queries: number;
  close(): Promise<void>;
}

/** How long an answer to `/keys/query` may take, in ms. Half of them are looked up when the question comes, half when the answer goes. */
const SLOWEST_ANSWER = 40;

/** The devices of a user whose list is of this version. */
export const devicesOf = (user: UserId, truth: Truth): string[] => ["PHONE", `V${truth.version(user)}`];

/** The version of a list with these devices. */
export const versionOf = (devices: readonly string[]): number =>
  Number(/^V(\d+)$/u.exec(devices.find((device) => device !== "PHONE") ?? "")?.[1] ?? 0);

export async function startProofServer(script: string, truth: Truth, random: Random): Promise<ProofServer> {
  const polls: OpenPoll[] = [];
  const given = new Set<string>();
  let queries = 0;
  const json = (response: ServerResponse, status: number, body: unknown) =>
    response
      .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
      .end(JSON.stringify(body));

  const poll = (tab: string, since: string | null, hold: number, response: ServerResponse) => {
    const open: OpenPoll = { tab, from: performance.now(), to: undefined };
    polls.push(open);
    const answer = () => {
      waiting.unsubscribe();
      clearTimeout(timer);
      const to = truth.position;
      const from = positionOf(since);
      const next_batch = tokenAt(to);
      given.add(next_batch);
      json(response, 200, {
        next_batch,
        ...(from !== undefined && to > from && { device_lists: truth.lists(from, to) }),
      });
    };
    const timer = setTimeout(answer, hold);
    const waiting = truth.announced$.subscribe(answer);
    response.on("close", () => {
      waiting.unsubscribe();
      clearTimeout(timer);
      open.to = performance.now();
    });
    if (since === null || truth.position > (positionOf(since) ?? 0)) answer();
  };

  const query = (users: readonly UserId[], response: ServerResponse) => {
    queries++;
    const lists = () => ({
      device_keys: Object.fromEntries(
        users.map((user) => [
          user,
          Object.fromEntries(devicesOf(user, truth).map((device) => [device, testDevice(user, device)])),
        ]),
      ),
    });
    const before = random.chance(0.5) ? lists() : undefined;
    setTimeout(() => json(response, 200, before ?? lists()), random.between(0, SLOWEST_ANSWER));
  };

  const changes = (from: number | undefined, to: number | undefined, response: ServerResponse) => {
    if (from === undefined || to === undefined) json(response, 400, { errcode: "M_INVALID_PARAM" });
    else json(response, 200, truth.lists(from, to));
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const [, tab = "", endpoint] = /^\/([^/]*)\/_matrix\/client\/v3(\/.*)$/u.exec(pathname) ?? [];
    if (endpoint === "/sync") poll(tab, searchParams.get("since"), Number(searchParams.get("timeout") ?? 0), response);
    else if (endpoint === "/keys/query")
      query(Object.keys((JSON.parse(await bodyOf(request)) as { device_keys: object }).device_keys), response);
    else if (endpoint === "/keys/changes")
      changes(positionOf(searchParams.get("from")), positionOf(searchParams.get("to")), response);
    else if (pathname === "/page.js") response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    else if (pathname === "/elsewhere")
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>elsewhere</title>");
    else
      response
        .writeHead(200, { "content-type": "text/html" })
        .end(
          '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
        );
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    polls,
    polling: () => polls.filter(({ to }) => to === undefined).map(({ tab }) => tab),
    hasGiven: (token) => given.has(token),
    get queries() {
      return queries;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
