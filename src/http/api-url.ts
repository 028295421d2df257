/**
 * Returns the base URL of the client-server API below a homeserver's URL.
 *
 * @throws TypeError if it cannot be the URL of a homeserver
 */
export function apiUrl(homeserverUrl: string): string {
  const url = parseUrl(homeserverUrl);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new TypeError(`homeserverUrl must begin with https:// or http://, not with ${url.protocol}`);
  // These parts would not reach the server as intended. They may be secret, so the message does not repeat them.
  if (url.username !== "" || url.password !== "")
    throw new TypeError("homeserverUrl must not contain a user name or a password");
  if (url.search !== "" || url.hash !== "") throw new TypeError("homeserverUrl must not contain ? or #");
  const path = url.pathname.replace(/\/+$/u, "");
  const [prefix = ""] = path.split(/\/_matrix(?=\/|$)/u);
  if (prefix !== path)
    throw new TypeError(
      `homeserverUrl must not contain /_matrix, which is added: pass "${url.origin}${prefix}", not "${homeserverUrl}"`,
    );
  return `${url.origin}${path}/_matrix/client/v3`;
}

function parseUrl(homeserverUrl: string): URL {
  try {
    return new URL(homeserverUrl);
  } catch (cause) {
    throw new TypeError(
      `homeserverUrl is not a URL: pass a complete one, such as "https://matrix.example.org", not "${homeserverUrl}"`,
      { cause },
    );
  }
}
