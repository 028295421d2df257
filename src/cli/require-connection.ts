import { Failure } from "./failure.js";
import { fetchJson } from "./fetch-json.js";

/** How long to wait for a response, in ms. */
const DEADLINE = 60_000;

/**
 * Rejects with a {@link Failure} if a server cannot be reached. A port that does not speak TLS may never answer a
 * handshake: `fetch` waits 10 s for it, axios as long as for a response.
 */
export async function requireConnection(homeserverUrl: string): Promise<void> {
  try {
    await fetchJson(`${homeserverUrl.replace(/\/+$/u, "")}/_matrix/client/versions`, { deadline: DEADLINE });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Failure(`${reason}: check the connection and MATRIX_HOMESERVER`);
  }
}
