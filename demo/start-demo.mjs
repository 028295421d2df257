import { createServer } from "node:http";
import { buildPackage } from "./serving/build-package.mjs";
import { buildPage } from "./serving/build-page.mjs";
import { isLoopback } from "./serving/loopback.mjs";
import { servePage } from "./serving/serve-page.mjs";
import { createHomeserver } from "./homeserver/homeserver.mjs";

/** Builds the package, if necessary, and the page, in memory. */
export async function buildDemo() {
  await buildPackage();
  return buildPage();
}

/**
 * Serves the page and its homeserver on one port of 127.0.0.1.
 *
 * @param {{ port?: number, latency?: number, page?: Map<string, string | Uint8Array> }} [options]
 *   `port`: 0, the default, chooses a free one; `latency`: how long a `/keys/query` takes, in ms; `page`: what `buildDemo` returned, by default built now
 */
export async function startDemo({ port = 0, latency, page } = {}) {
  const serve = servePage(page ?? (await buildDemo()));
  const homeserver = createHomeserver({ latency });

  const server = createServer((request, response) => {
    if (!isLoopback(request.headers.host))
      response.writeHead(403).end("This demo is only served on a loopback address.");
    else if (!homeserver.handle(request, response)) serve(request, response);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  });
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());

  return {
    url: `http://127.0.0.1:${address.port}/`,
    /** Closes every connection, long polls included. */
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        server.closeAllConnections();
      }),
  };
}
