import { get, update } from "idb-keyval";

/** The session as the application saves it at log-in: `set("session/@alice:example.org", session)` of idb-keyval. */
export interface SavedSession {
  readonly accessToken: string;
  /** `undefined` once the homeserver has refused it. */
  readonly refreshToken: string | undefined;
}

/** How long a refresh may take, in ms: all tabs wait for it. */
const DEADLINE = 30_000;

/**
 * The `accessToken` of `matrixHttp` for a session that is refreshed, in any number of tabs.
 *
 *     tab 1    401 ─▶ lock ─▶ POST /refresh ─▶ save ─▶ new token
 *     tab 2    401 ─▶ (waits for the lock) ──────────▶ finds another token saved: new token
 *
 * 1. One tab refreshes, the one that holds the Web Lock. The others find its token when they get the lock. If that tab
 *    is closed or crashes, the next one refreshes: the old refresh token is valid until the new tokens are used.
 * 2. The session is in IndexedDB, whose reads see every finished write of other tabs. `localStorage` does not promise
 *    that: a tab could refresh with a token that another one has just replaced, which ends the session.
 * 3. If the refresh token is refused, the session is over: the old token is returned, so the refusal of the request is
 *    final and `sync$` ends. If there is no response, or 5xx, the error is thrown, and the request is repeated.
 *
 * @param name of the saved session, such as `session/@alice:example.org`
 * @see Matrix spec, client-server API, "Refreshing access tokens"
 */
export function sharedAccessToken(homeserverUrl: string, name: string): (refused?: string) => Promise<string> {
  const refresh = async (refused: string): Promise<string> => {
    const session = await savedSession(name);
    if (session.accessToken !== refused) return session.accessToken; // another tab has refreshed it
    if (session.refreshToken === undefined) return refused; // another tab was refused
    const refreshed = await postRefresh(homeserverUrl, session.refreshToken);
    await update<SavedSession>(name, (now) => {
      // A log-out has deleted it, or a log-in has replaced it, since it was read.
      if (now?.accessToken !== refused) throw new Error("the session was replaced while it was refreshed");
      return { accessToken: refreshed?.access_token ?? refused, refreshToken: refreshed?.refresh_token };
    });
    return refreshed?.access_token ?? refused;
  };
  return async (refused) => {
    const { accessToken } = await savedSession(name);
    return refused === accessToken ? await navigator.locks.request(name, () => refresh(refused)) : accessToken;
  };
}

async function savedSession(name: string): Promise<SavedSession> {
  const session = await get<SavedSession>(name);
  if (session === undefined) throw new Error(`there is no session "${name}": log in`);
  return session;
}

interface Refreshed {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** `undefined` if the refresh token is refused. */
async function postRefresh(homeserverUrl: string, refreshToken: string): Promise<Refreshed | undefined> {
  const response = await fetch(`${homeserverUrl}/_matrix/client/v3/refresh`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ refresh_token: refreshToken }),
    signal: AbortSignal.timeout(DEADLINE),
  });
  const body = (await response.json()) as Partial<Refreshed> & { readonly errcode?: string };
  // Without an error code it is the refusal of a proxy.
  if ((response.status === 401 || response.status === 403) && body.errcode !== undefined) return undefined;
  const { access_token, refresh_token = refreshToken } = body;
  if (!response.ok || access_token === undefined)
    throw new Error(`/refresh was answered with ${response.status} (${body.errcode ?? "no token"})`);
  return { access_token, refresh_token };
}
