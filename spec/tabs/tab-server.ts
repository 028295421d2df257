import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Serves the page of the tabs, and answers each open poll with the next number. */
export interface TabServer {
  readonly url: string;
  /** The tabs that have a poll open, in the order of the polls. */
  polling(): string[];
  /** Every tab that has ever polled, in the order of the first polls. */
  polled(): string[];
  /** Answers the open polls with a new number, which it returns. */
  count(): number;
  /** Refuses every poll from now on. */
  refuse(): void;
  /** Answers the requests for `/hold`. */
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
  if (!("output" in built)) throw new Error("vite did not build one bundle");
  return built.output[0].code;
}

const html = (body: string) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${body}`;

export async function startTabServer(script: string): Promise<TabServer> {
  let counted = 0;
  let refusing = false;
  const polls = new Map<ServerResponse, string>();
  const polled = new Set<string>();
  const held = new Set<ServerResponse>();
  const answerPolls = (status: number, body: unknown) => {
    for (const response of polls.keys())
      response
        .writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
        .end(JSON.stringify(body));
    polls.clear();
  };
  const refuse = () => answerPolls(401, { errcode: "M_UNKNOWN_TOKEN" });
  const poll = (response: ServerResponse, tab: string) => {
    polls.set(response, tab);
    polled.add(tab);
    response.on("close", () => polls.delete(response));
    if (refusing) refuse();
  };

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const send = (type: string, body: string) => response.writeHead(200, { "content-type": type }).end(body);
    if (pathname === "/poll") poll(response, searchParams.get("tab") ?? "");
    else if (pathname === "/hold") held.add(response);
    else if (pathname === "/tab.js") send("text/javascript", script);
    else if (pathname === "/elsewhere") send("text/html", html("<title>elsewhere</title>"));
    else send("text/html", html('<script type="module" src="/tab.js"></script>'));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    polling: () => [...polls.values()],
    polled: () => [...polled],
    count: () => {
      answerPolls(200, { number: ++counted });
      return counted;
    },
    refuse: () => {
      refusing = true;
      refuse();
    },
    release: () => {
      for (const response of held) response.end();
      held.clear();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
