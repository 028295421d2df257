import { Failure } from "./failure.js";
import { fetchJson } from "./fetch-json.js";
import { complaintAbout } from "./homeserver-url.js";

/** How long to wait, in ms. */
const DEADLINE = 20_000;

/**
 * Returns the URL of a homeserver, as its server name announces it.
 *
 * @see Matrix spec, client-server API, "Well-known URI"
 */
export async function discover(serverName: string, fetchFrom: typeof fetchJson = fetchJson): Promise<string> {
  const { status, data } = await fetchFrom(`https://${serverName}/.well-known/matrix/client`, {
    deadline: DEADLINE,
  }).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(`${error.message}: set MATRIX_HOMESERVER if the homeserver is elsewhere`);
  });
  const url = status === 404 ? `https://${serverName}` : announcedIn(data);
  if ((status !== 200 && status !== 404) || url === undefined || complaintAbout(url) !== undefined)
    throw new Failure(`${serverName} does not say where its homeserver is: set MATRIX_HOMESERVER`);
  return url;
}

function announcedIn({ "m.homeserver": found }: Readonly<Record<string, unknown>>): string | undefined {
  const url: unknown = typeof found === "object" && found !== null && "base_url" in found ? found.base_url : undefined;
  return typeof url === "string" ? url : undefined;
}
