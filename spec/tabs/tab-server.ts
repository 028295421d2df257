import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** A poll that a tab had open, in ms of `performance.now()`. */
export interface Poll {
  readonly tab: string;
  readonly from: number;
  to: number | undefined;
}

/** Counts, serves the page of the tabs, and knows who asks. */
export interface TabServer {
  readonly url: string;
  readonly polls: readonly Poll[];
  /** The tabs that have a poll open. */
  polling(): string[];
  /** Counts one further. */
  count(): number;
  /** Refuses every poll from now on. */
  refuse(): void;
  /** Lets go on whom it holds. */
  release(): void;
  close(): Promise<void>;
}

/** The page's script, bundled in memory from the sources. */
export async function bundleTabPage(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    resolve: { alias: { "matrix-device-tracker/tabs": source("../../src/tabs/index.ts") } },
    build: { write: false, minify: false, rolldownOptions: { input: source("tab-page.ts") } },
  });
  if (!("output" in built)) throw new Error("vite builds something else than one bundle");
  return built.output[0].code;
}

export async function startTabServer(script: string): Promise<TabServer> {
  let counted = 0;
  let saved = 0;
  let refusing = false;
  const polls: Poll[] = [];
  const waiting = new Set<() => void>();
  const holding = new Set<ServerResponse>();
  const wake = () => {
    for (const answer of [...waiting]) answer();
  };
  const json = (response: ServerResponse, status: number, body: unknown) =>
    response
      .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
      .end(JSON.stringify(body));

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/tab.js") response.writeHead(200, { "content-type": "text/javascript" }).end(script);
    else if (pathname === "/elsewhere")
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>elsewhere</title>");
    else if (pathname === "/hold") holding.add(response);
    else if (pathname === "/saved") {
      saved = Math.max(saved, Number(searchParams.get("number") ?? 0));
      json(response, 200, { number: saved, since: saved });
    } else if (pathname === "/poll") {
      const since = Number(searchParams.get("since"));
      const poll: Poll = { tab: searchParams.get("tab") ?? "", from: performance.now(), to: undefined };
      polls.push(poll);
      const answer = () => {
        if (response.headersSent) return;
        if (refusing) json(response, 401, { errcode: "M_UNKNOWN_TOKEN" });
        else if (counted > since) json(response, 200, { number: since + 1, since });
      };
      waiting.add(answer);
      response.on("close", () => {
        waiting.delete(answer);
        poll.to = performance.now();
      });
      answer();
    } else
      response
        .writeHead(200, { "content-type": "text/html" })
        .end(
          '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/tab.js"></script>',
        );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    polls,
    polling: () => polls.filter(({ to }) => to === undefined).map(({ tab }) => tab),
    count: () => {
      counted++;
      wake();
      return counted;
    },
    refuse: () => {
      refusing = true;
      wake();
    },
    release: () => {
      for (const response of holding) response.end();
      holding.clear();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
