import { createHomeserver } from "./homeserver/homeserver.mjs";
import { builtPage } from "./serving/built-page.mjs";
import { listen } from "./serving/listen.mjs";
import { isLoopback } from "./serving/loopback.mjs";
import { servePage } from "./serving/serve-page.mjs";

/**
 * Serves the page and its homeserver on one port of 127.0.0.1.
 *
 * @param {{ port?: number, latency?: number, onBuild?: () => void }} [options]
 *   `port`: 0, the default, chooses a free one; `latency`: how long a `/keys/query` takes, in ms; `onBuild`: called if
 *   the page has to be built first
 */
export async function startDemo({ port = 0, latency, onBuild } = {}) {
  const serve = servePage(await builtPage(onBuild));
  const homeserver = createHomeserver({ latency });
  const { url, stop } = await listen((request, response) => {
    if (!isLoopback(request.headers.host))
      response.writeHead(403).end("This demo is only served on a loopback address.");
    else if (!homeserver.handle(request, response)) serve(request, response);
  }, port);
  return { url: `${url}/`, stop };
}
