import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHomeserver } from "../../../demo/homeserver/homeserver.mjs";
import type { Random } from "../../support/random.js";
import type { Truth } from "./truth.js";

/** A poll of a tab, in ms of `performance.now()`. */
export interface Poll {
  readonly tab: string;
  /** The position that it began at. */
  readonly since: number | undefined;
  readonly from: number;
  to: number | undefined;
}

/** The longest time that a `/keys/query` takes, in ms. The server reads its lists when the query arrives. */
const SLOWEST_ANSWER = 40;

const PAGE =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

/** The demo's homeserver under a path for each tab, and the page of the proofs. */
export class ProofServer {
  readonly url: string;
  /** Each poll, from the first one on. */
  readonly polls: Poll[] = [];
  /** `/keys/query` requests so far. */
  queries = 0;
  readonly #server;
  readonly #truth: Truth;

  private constructor(server: ReturnType<typeof createServer>, truth: Truth) {
    this.#server = server;
    this.#truth = truth;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(script: string, truth: Truth, random: Random): Promise<ProofServer> {
    const homeserver = createHomeserver({ world: truth.world, latency: () => random.between(0, SLOWEST_ANSWER) });
    const http = createServer((request, response) => {
      const [, tab = "", path] = /^\/([^/]*)(\/_matrix\/.*)$/u.exec(request.url ?? "") ?? [];
      if (path === undefined) servePage(request, response, script);
      else {
        server.#observe(tab, path, response);
        request.url = path;
        homeserver.handle(request, response);
      }
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const server = new ProofServer(http, truth);
    return server;
  }

  /** The tabs that have a poll open. */
  get polling(): readonly string[] {
    return this.polls.filter(({ to }) => to === undefined).map(({ tab }) => tab);
  }

  /** Whether exactly one tab polls, and has been given everything. */
  get isIdle(): boolean {
    const [poll, ...others] = this.polls.filter(({ to }) => to === undefined);
    return poll?.since === this.#truth.position && others.length === 0;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #observe(tab: string, path: string, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(path, "http://localhost");
    if (pathname.endsWith("/keys/query")) this.queries++;
    if (!pathname.endsWith("/sync")) return;
    const token = searchParams.get("since");
    const since = token === null ? undefined : this.#truth.positionOf(token);
    const poll: Poll = { tab, since, from: performance.now(), to: undefined };
    this.polls.push(poll);
    response.on("close", () => (poll.to = performance.now()));
  }
}

function servePage(request: IncomingMessage, response: ServerResponse, script: string): void {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const [type, text] =
    pathname === "/page.js"
      ? ["text/javascript", script]
      : ["text/html", pathname === "/elsewhere" ? "<!doctype html><title>elsewhere</title>" : PAGE];
  response.writeHead(200, { "content-type": type }).end(text);
}
