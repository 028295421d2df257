/** A request to a homeserver, outside of the package: what other people's clients send. Fails if it is refused. */
export async function call(
  url: string,
  method: "GET" | "POST" | "PUT",
  path: string,
  { token, body }: { readonly token?: string; readonly body?: object } = {},
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${url}/_matrix/client/v3${path}`, {
    method,
    headers: { "content-type": "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    ...(method !== "GET" && { body: JSON.stringify(body ?? {}) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}
