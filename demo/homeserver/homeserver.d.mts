import type { IncomingMessage, ServerResponse } from "node:http";
import type { World } from "./world.mjs";

/** A homeserver without a port of its own. `latency`: how long a `/keys/query` takes, in ms; default 700. */
export function createHomeserver(options?: { latency?: number | (() => number); world?: World }): {
  /** Answers requests for the homeserver, and returns whether the request was for it. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
};
