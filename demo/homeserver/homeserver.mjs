import { clientApi } from "./client-api.mjs";
import { controlApi } from "./control-api.mjs";
import { MatrixRefusal } from "./matrix-refusal.mjs";
import { readJson } from "./read-json.mjs";
import { SlowQuery } from "./slow-query.mjs";
import { Tricks } from "./tricks.mjs";
import { World } from "./world.mjs";

/**
 * @typedef {object} Call a parsed request
 * @property {URLSearchParams} query
 * @property {Record<string, any>} body an empty object if there is none
 * @property {string | undefined} token
 * @property {AbortSignal} signal aborts when the client disconnects
 */

/** How long a `/keys/query` takes by default, in ms: slower than a good server, so that it can be watched. */
const LATENCY = 700;

/** Any page may call the Matrix API, as the Matrix spec requires ("Web Browser Clients"). */
const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST, PUT, OPTIONS",
  "access-control-allow-headers": "Authorization, Content-Type, X-Requested-With",
  "access-control-max-age": "86400",
};

/**
 * A small homeserver without a port of its own.
 *
 * @param {{ latency?: number | (() => number) | undefined, world?: World }} [options] `latency`: how long a
 *   `/keys/query` takes, in ms; default 700
 */
export function createHomeserver({ latency = LATENCY, world = new World() } = {}) {
  const latencyOf = typeof latency === "number" ? () => latency : latency;
  let routes = routesOf(world);

  /** @param {World} current @returns {Record<string, (call: Call) => unknown>} by method and path */
  function routesOf(current) {
    const slowQuery = new SlowQuery();
    return {
      ...clientApi(current, slowQuery, latencyOf),
      ...controlApi(current, slowQuery, new Tricks(current)),
      "POST /control/start-over": () => {
        routes = routesOf(new World());
        return {};
      },
    };
  }

  /**
   * Answers requests for the homeserver.
   *
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   * @returns {boolean} whether the request was for it
   */
  function handle(request, response) {
    const url = new URL(request.url ?? "/", "http://localhost");
    const matrix = url.pathname.startsWith("/_matrix/");
    if (!matrix && !url.pathname.startsWith("/control/")) return false;
    // Without these headers, other pages in the same browser cannot call the control API.
    const headers = matrix ? CORS : {};
    if (request.method === "OPTIONS") response.writeHead(204, headers).end();
    else void answer(url, request, response, headers);
    return true;
  }

  /**
   * @param {URL} url
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   * @param {Record<string, string>} headers
   */
  async function answer(url, request, response, headers) {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    let status = 200;
    let body;
    try {
      const name = `${request.method} ${decodeURIComponent(url.pathname)}`;
      if (!Object.hasOwn(routes, name)) throw new MatrixRefusal(404, "M_UNRECOGNIZED", `unknown endpoint: ${name}`);
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
      const call = { query: url.searchParams, body: await readJson(request), token, signal: gone.signal };
      body = await routes[name](call);
    } catch (error) {
      const refusal = error instanceof MatrixRefusal ? error : new MatrixRefusal(500, "M_UNKNOWN", String(error));
      ({ status, body } = refusal);
    }
    if (!gone.signal.aborted)
      response
        .writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers })
        .end(JSON.stringify(body));
  }

  return { handle };
}
