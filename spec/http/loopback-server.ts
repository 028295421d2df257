import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import { vi } from "vitest";

/** A request received by a real server on the loopback interface. The spec answers it at any time, or never. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  readonly at: number;
  /** Whether the client aborted it before it was answered. */
  readonly aborted: boolean;
  /** Sends a string verbatim, anything else as JSON. */
  answer(status: number, body?: unknown, headers?: Record<string, string>): void;
  readonly response: ServerResponse;
}

export class LoopbackServer {
  readonly requests: SeenRequest[] = [];
  url = "";
  readonly #server: Server;

  /** @param answer answers each request at once if it is given */
  constructor(answer?: (request: SeenRequest) => void) {
    this.#server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const url = new URL(incoming.url ?? "", "http://loopback");
        const text = Buffer.concat(chunks).toString();
        const seen = {
          method: incoming.method ?? "",
          path: url.pathname,
          query: Object.fromEntries(url.searchParams),
          headers: incoming.headers,
          body: text === "" ? undefined : (JSON.parse(text) as unknown),
          at: performance.now(),
          aborted: false,
          response,
          answer: (status: number, body: unknown = {}, headers: Record<string, string> = {}) => {
            response.writeHead(status, { "content-type": "application/json", ...headers });
            response.end(typeof body === "string" ? body : JSON.stringify(body));
          },
        };
        response.on("close", () => {
          seen.aborted = !response.writableEnded;
        });
        this.requests.push(seen);
        answer?.(seen);
      });
    });
  }

  /** Requests that have not been answered, or aborted. */
  get open(): readonly SeenRequest[] {
    return this.requests.filter(({ aborted, response }) => !aborted && !response.writableEnded);
  }

  async start(): Promise<this> {
    await new Promise<void>((started) => this.#server.listen(0, "127.0.0.1", started));
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    this.url = `http://127.0.0.1:${address.port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((stopped) => this.#server.close(() => stopped()));
  }

  /** Resolves with the n-th request (from 0) once it has arrived. */
  request(n: number): Promise<SeenRequest> {
    return vi.waitFor(
      () => {
        const request = this.requests[n];
        if (request === undefined) throw new Error(`only ${this.requests.length} requests so far`);
        return request;
      },
      { timeout: 5_000, interval: 2 },
    );
  }
}
