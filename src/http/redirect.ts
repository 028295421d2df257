import axios, { type AxiosResponse, type RawAxiosHeaders } from "axios";

/** What axios's adapters for Node and for browsers reveal of a request. */
interface SentRequest {
  readonly res?: { readonly responseUrl?: unknown };
  readonly responseURL?: unknown;
}

/**
 * Returns the URL to which a request was redirected, whether the platform followed the redirect or not; `undefined` if
 * it was not redirected, or if the platform does not say (`fetch`). Without the query and the fragment, which may be
 * secret.
 */
export function redirectOf({ status, config, headers, request }: AxiosResponse<unknown>): string | undefined {
  const sent = (request ?? {}) as SentRequest;
  const requested = parse(axios.getUri(config));
  const reached = parse(sent.res?.responseUrl ?? sent.responseURL, requested) ?? requested;
  if (status >= 300 && status < 400)
    return nameOf(parse(axios.AxiosHeaders.from(headers as RawAxiosHeaders).get("location"), reached));
  return nameOf(reached) === nameOf(requested) ? undefined : nameOf(reached);
}

function parse(url: unknown, base?: URL): URL | undefined {
  if (typeof url !== "string" || url === "") return undefined;
  try {
    return new URL(url, base);
  } catch {
    return undefined; // relative, without a base that is known
  }
}

function nameOf(url: URL | undefined): string | undefined {
  return url === undefined ? undefined : `${url.origin}${url.pathname}`;
}
