import { Failure } from "./failure.js";
import { fetchJson } from "./fetch-json.js";

/** How long to wait, in ms. */
const DEADLINE = 20_000;

/**
 * Returns the URL of a homeserver, as its server name announces it.
 *
 * @see Matrix spec, client-server API, "Well-known URI"
 */
export async function discover(serverName: string, fetchFrom: typeof fetchJson = fetchJson): Promise<string> {
  const { status, data } = await fetchFrom(`https://${serverName}/.well-known/matrix/client`, { deadline: DEADLINE });
  if (status === 404) return `https://${serverName}`;
  const found: unknown = data["m.homeserver"];
  const url: unknown = typeof found === "object" && found !== null && "base_url" in found ? found.base_url : undefined;
  if (status !== 200 || typeof url !== "string" || !/^https?:\/\//u.test(url))
    throw new Failure(`${serverName} does not say where its homeserver is: set MATRIX_HOMESERVER`);
  return url;
}
