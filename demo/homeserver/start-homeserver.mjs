import { listen } from "../serving/listen.mjs";
import { createHomeserver } from "./homeserver.mjs";

/** Starts a homeserver on a port of 127.0.0.1, without the page. @param {{ latency?: number }} [options] */
export async function startHomeserver(options) {
  const { handle } = createHomeserver(options);
  return listen((request, response) => void (handle(request, response) || response.writeHead(404).end()));
}
